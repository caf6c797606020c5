"""Colours that readers of every kind of colour vision tell apart (Okabe and Ito, 2008)."""

KEPT, GONE, REST = "#0072b2", "#d55e00", "#dfe3e8"
CYCLE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "X")  # a colour never speaks alone
STROKES = ("-", "--", ":", "-.")  # where the colours begin anew
