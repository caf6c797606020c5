"""Both spellings, flags without effect, and a record that reproduces the run."""

import signal
from logging import INFO, LogRecord
from pathlib import Path

import pytest
import tensorflow as tf
from absl import flags as absl_flags
from absl.testing import flagsaver

import flags.architecture
import flags.dataset
import flags.runs
import flags.strategy
import flags.training
from flags import commandline
from tfprune.errors import PruningError
from tfprune.training import stopping

FLAGS = absl_flags.FLAGS


@pytest.fixture(autouse=True)
def defined():
    """Flags are global: define them for one test and take them back after it."""
    with flagsaver.flagsaver():
        flags.architecture.define()
        flags.dataset.define()
        flags.training.define(epochs=200, decay_step="80,120")
        flags.runs.define(save_dir="runs/{arch}", fields="arch")
        flags.strategy.define()
        yield


def parse(*arguments):
    return commandline.parse(["train.py", *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--batch-size", "32"],
        ["--batch_size", "32"],
        ["--batch-size=32"],
        ["--batch_size=32"],
        ["-batch-size=32"],
    ],
)
def test_both_spellings_set_the_flag(arguments):
    assert parse("--arch", "vgg16", *arguments, "--no-nesterov") == ["train.py"]
    assert FLAGS.arch == "vgg16"
    assert FLAGS.batch_size == 32


def test_values_keep_their_dashes():
    parse("--save-dir", "my-run", "--data-dir=a--b-c")
    assert FLAGS.save_dir == "my-run"
    assert FLAGS.data_dir == "a--b-c"


def test_the_papers_words_are_recorded_as_ours():
    parse("--net=gatevgg16")
    assert flags.architecture.name() == "gatevgg16"
    assert "--arch=gatevgg16\n" in commandline.record()
    assert "--net" not in commandline.record()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("resnet_56", "resnet56_a"), ("gateresnet20", "resnet20_a"), ("densenet", "densenet40_24")],
)
def test_names_of_the_papers_programs_are_known(theirs, ours):
    parse(f"--net={theirs}")
    assert flags.architecture.name() == ours


def test_negations_in_both_spellings():
    assert commandline.respell(["--no-resume", "--nooverwrite"]) == ["--noresume", "--nooverwrite"]
    assert commandline.respell(["--no-batch-size"]) == ["--no-batch-size"]  # not a switch


def test_nothing_after_two_dashes_and_no_unknown_name_is_touched():
    assert commandline.respell(["--batch-szie=3", "--", "--batch-size"]) == [
        "--batch-szie=3",
        "--",
        "--batch-size",
    ]


def test_flag_files_take_both_spellings_and_later_flags_win(tmp_path):
    preset = tmp_path / "preset.cfg"
    preset.write_text("# a comment\n--batch-size=64\n--decay-step=50,150\n")
    parse(f"--flagfile={preset}", "--batch_size=16")
    assert FLAGS.batch_size == 16
    assert FLAGS.decay_step == ["50", "150"]


def test_an_unknown_flag_ends_the_program_with_a_suggestion(capsys):
    with pytest.raises(SystemExit, match="1"):
        parse("--batch-sise=3")
    assert "Did you mean: batch_size" in capsys.readouterr().err


def test_a_missing_flag_file_ends_the_program(tmp_path):
    with pytest.raises(SystemExit, match=r"train.py: Unknown flag file .*none.cfg'.*digits_prune"):
        parse(f"--flagfile={tmp_path}/none.cfg")


def test_a_flag_without_effect_is_refused_only_when_given():
    parse("--schedule=cosine")
    idle = flags.training.idle()
    assert idle.keys() == {"decay_step", "decay_factor", "momentum", "nesterov"}
    commandline.refuse_idle(idle)
    parse("--decay-step=3")
    with pytest.raises(
        PruningError,
        match=r"without effect.*--decay_step: .*without schedule=",
    ):
        commandline.refuse_idle(flags.training.idle())


def test_nothing_about_training_has_an_effect_without_epochs():
    parse("--epochs=0", "--weight_decay=0.1")
    with pytest.raises(PruningError, match=r"--weight_decay: nothing is trained with --epochs=0"):
        commandline.refuse_idle(flags.training.idle())


def test_what_decays_needs_a_decay():
    parse("--weight-decay=0")
    assert flags.training.recipe(seed=0).decay_all
    parse("--weight-decay=0", "--no-decay-all")
    with pytest.raises(PruningError, match=r"--decay_all: it has no effect with weight_decay=0"):
        commandline.refuse_idle(flags.training.idle())
    parse("--weight-decay=0.5")
    assert not flags.training.recipe(seed=0).decay_all


def test_the_embedded_digits_take_no_folder():
    parse("--data=digits", "--data_dir=/somewhere")
    with pytest.raises(PruningError, match=r"--data_dir: the digits are embedded"):
        commandline.refuse_idle(flags.dataset.idle())


def test_the_record_reproduces_the_run(tmp_path):
    parse(
        "--arch=vgg16",
        "--learning-rate=0.05",
        "--optimizer=sgd",
        "--nesterov",
        "--decay-step=5,7",
        "--gpu=1",
        "--strategy=single",
    )
    text = commandline.record(flags.training.idle())
    assert "--arch=vgg16\n" in text
    assert "--epochs=200\n" in text  # defaults are written too: they may change
    for left_out in ("save_dir", "overwrite", "resume", "gpu", "strategy", "cpus", "data_dir"):
        assert f"--{left_out}" not in text
        assert f"--no{left_out}" not in text
    (tmp_path / "flags.cfg").write_text(text)
    parse("--arch=resnet20", "--learning-rate=1", "--nonesterov", "--decay-step=1")
    parse(f"--flagfile={tmp_path / 'flags.cfg'}")
    assert commandline.record(flags.training.idle()) == text
    assert FLAGS.learning_rate == 0.05
    assert FLAGS.nesterov is True
    assert FLAGS.decay_step == ["5", "7"]


def test_folders_are_filled_in():
    parse("--save-dir=runs/{data}/{arch}")
    assert flags.runs.expand("save_dir", arch="vgg16", data="digits") == "runs/digits/vgg16"
    with pytest.raises(
        PruningError, match=r"--save_dir=.*names in braces: arch, seed; received 'data'"
    ):
        flags.runs.expand("save_dir", arch="vgg16")


def test_the_seed_may_stand_in_a_folder_s_name():
    parse("--save-dir=runs/{seed}", "--seed=7")
    assert flags.runs.expand("save_dir") == "runs/7"


@pytest.mark.parametrize("template", ["{arch:>999999999}", "{arch!r:99}"])
def test_widths_in_folders_are_refused(template):
    parse(f"--save_dir={template}")
    with pytest.raises(PruningError, match=r"expected plain names in braces, without : or !"):
        flags.runs.expand("save_dir", arch="vgg16")


@pytest.mark.parametrize("template", ["{arch.x}", "{arch[x]}", "{", "{0}"])
def test_folders_that_cannot_be_filled_in_are_refused(template):
    parse(f"--save_dir={template}")
    with pytest.raises(PruningError, match=r"--save_dir=.*expected at most these names.*arch"):
        flags.runs.expand("save_dir", arch="vgg16")


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_out_of_range_ends_the_program(capsys, seed):
    with pytest.raises(SystemExit, match="1"):
        parse(f"--seed={seed}")
    assert "--seed" in capsys.readouterr().err


def test_an_interruption_ends_the_program_without_a_traceback(capsys):
    def interrupt(argv):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        commandline._main(interrupt, ["train.py"])
    assert ended.value.code == 130
    assert "interrupted; call it again with the same flags" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--cpus=2"], r"--cpus=2: it divides the processor for --strategy=mirrored.*'auto'"),
        (["--strategy=single", "--gpus=0,1"], r"--gpus=0,1: --strategy=single uses one device"),
        (["--gpu=7"], r"There is no GPU 7"),
    ],
)
def test_devices_without_effect_are_refused(given, message):
    parse(*given)
    with pytest.raises(PruningError, match=message):
        flags.strategy.distributed(lambda argv: None)([])


def test_arguments_that_are_no_flags_are_refused():
    with pytest.raises(Exception, match=r"Expected flags only.*received the arguments \['0.8'\]"):
        commandline._main(lambda argv: None, ["prune.py", "0.8"])


def test_a_refusal_ends_the_program_with_its_message_alone():
    def main(argv):
        raise PruningError("No such thing.")

    with pytest.raises(SystemExit, match=r"^train\.py: No such thing\.$"):
        commandline._main(main, ["train.py"])


def test_our_own_notes_are_shown_where_we_are_installed(monkeypatch):
    def shown(path):
        return commandline._is_of_interest(LogRecord("absl", INFO, path, 1, "text", (), None))

    monkeypatch.setattr(commandline.help_pages, "ROOT", Path("/lib/site-packages/tfprune_commands"))
    assert shown("/lib/site-packages/tfprune_commands/prune.py")
    assert not shown("/lib/site-packages/keras/saving.py")
    monkeypatch.setattr(commandline.help_pages, "ROOT", Path("/home/repository"))
    assert shown("/home/repository/prune.py")
    assert not shown("/home/repository/.venv/lib/site-packages/keras/saving.py")


@pytest.fixture
def signals():
    """Handlers of signals are global too."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    commandline._ASKED.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, commandline.PREEMPTED), (signal.SIGINT, 130)]
)
def test_a_training_hears_of_a_signal_and_ends_the_program_when_it_has_saved(
    signals, capsys, number, code
):
    def trains(argv):
        signal.signal(number, commandline._end)
        with stopping.listening() as training:
            signal.raise_signal(number)
            assert training.asked
            raise stopping.Stopped

    with pytest.raises(SystemExit) as ended:
        commandline._main(trains, ["train.py"])
    assert ended.value.code == code
    assert "stopped and saved; the same command goes on from here" in capsys.readouterr().err


def test_a_second_interruption_waits_for_nothing(signals):
    signal.signal(signal.SIGINT, commandline._end)
    with stopping.listening() as training:
        signal.raise_signal(signal.SIGINT)
        assert training.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_where_nothing_trains_a_signal_ends_the_program_at_once(signals, capsys):
    def scores(argv):
        signal.signal(signal.SIGTERM, commandline._end)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        commandline._main(scores, ["prune.py"])
    assert ended.value.code == commandline.PREEMPTED
    assert "terminated; the same command goes on from here" in capsys.readouterr().err


def lose(argv):
    raise tf.errors.UnavailableError(None, None, "Collective ops is aborted by: task 1 crashed")


def test_a_worker_whose_peers_are_lost_asks_to_be_called_again(monkeypatch, capsys):
    parse()
    monkeypatch.setattr(flags.strategy.workers, "count", lambda: 2)
    with pytest.raises(SystemExit) as ended:
        flags.strategy.distributed(lose)(["prune.py"])
    assert ended.value.code == commandline.PREEMPTED
    told = capsys.readouterr().err
    assert "prune.py: another worker was lost: Collective ops is aborted by: task 1" in told


def test_without_peers_such_an_error_is_no_loss():
    parse()
    with pytest.raises(tf.errors.UnavailableError):
        flags.strategy.distributed(lose)(["prune.py"])
