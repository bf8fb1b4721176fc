import pytest

from forearm.core.errors import FileError, ForearmError, LimitError
from forearm.core.histogram import Histogram, HistogramContent
from forearm.core.log_text import STRING, read_timing
from forearm.core.timing import Measured, TimingRecord, parse_timing


def counted(*values):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def made(run, *values, ticks=10):
    histograms = {"work": counted(*values).content(), "publish": counted().content()}
    return TimingRecord(
        run=run, control_dt=0.02, ticks=ticks, missed=1, histograms=histograms
    )


def test_a_histogram_comes_back_from_a_log_as_it_was():
    before = counted(1e-9, 3e-4, 3e-4, 0.02, 50.0)
    text = before.content().model_dump_json()
    after = Histogram.from_content(HistogramContent.model_validate_json(text))
    assert (after.bins, after.count, after.maximum) == (before.bins, 5, 50.0)


@pytest.mark.parametrize("bins", [{9999: 1}, {-1: 1}, {0: -1}])
def test_a_histogram_that_cannot_be_is_refused(bins):
    with pytest.raises(LimitError, match="cannot be"):
        Histogram.from_content(HistogramContent(bins=bins, maximum=1.0))


def test_the_last_record_of_each_run_counts():
    records = [made(1.0, 1e-3), made(1.0, 1e-3, 2e-3, ticks=20), made(2.0, 4e-3)]
    measured = Measured(records)
    assert len(measured.runs) == 2
    assert (measured.ticks, measured.missed) == (30, 2)
    assert measured.histograms["work"].count == 3
    assert measured.histograms["work"].maximum == 4e-3
    assert "publish" not in measured.histograms


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "[1]", "nan"])
def test_what_is_no_record_is_refused_in_one_sentence(text):
    with pytest.raises(ForearmError, match="timing record"):
        parse_timing(text)


def write(path, texts, topic="/left/forearm_policy/timing", close=True):
    from rosbags.typesys import Stores, get_typestore

    from forearm.deploy.bag import BagWriter

    store = get_typestore(Stores.ROS2_KILTED)
    writer = BagWriter(path, {topic: STRING, "/forearm_policy/timing": STRING})
    for k, text in enumerate(texts):
        data = store.serialize_cdr(store.types[STRING](text), STRING)
        writer.write(topic, bytes(data), k + 1)
        writer.flush()
    if close:
        writer.close()
    return writer


def test_the_records_of_a_killed_recorder_are_read_after_repair(tmp_path):
    from forearm.deploy.record_repair import repair_log

    texts = [made(1.0, 1e-3, ticks=k).model_dump_json() for k in (50, 100)]
    write(tmp_path / "log", texts, close=False)  # never closed: as kill -9 leaves it
    repair_log(tmp_path / "log", tmp_path / "saved")
    assert [r.ticks for r in read_timing(tmp_path / "saved")] == [50, 100]
    assert read_timing(tmp_path / "saved", "left/forearm_policy")[0].ticks == 50
    assert read_timing(tmp_path / "saved", "right/forearm_policy") == []


def test_a_log_with_another_text_on_the_topic_is_refused(tmp_path):
    write(tmp_path / "log", ["hello"])
    with pytest.raises(FileError, match="timing record"):
        read_timing(tmp_path / "log")
    with pytest.raises(FileError, match="does not exist"):
        read_timing(tmp_path / "none")
