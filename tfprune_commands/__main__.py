"""`python -m tfprune_commands prune ...`, where the console command is not on the path."""

from tfprune_commands import main

main()
