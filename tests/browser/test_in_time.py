"""What is drawn and what is heard are the same moment, wherever one looks and whatever was uploaded.

Six minutes by default; `MIXASSIST_MINUTES=90` takes the whole length, as `python -m bench --only in-time` does.
"""

import os
from statistics import mean

import pytest

from annotation.audio import proxy
from annotation.models import Derived
from annotation.uploading import add_recording, sha256_of
from bench import clicks
from bench.in_time import FORMATS, PLACES, WORST_MS, Ear
from tests.factories import LayerFactory
from tests.modeling.app.things import python

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MINUTES = float(os.environ.get("MIXASSIST_MINUTES", "6"))


@pytest.fixture(scope="session")
def signal(tmp_path_factory):
    """`signal("mp3")`: the clicks as a file of a format, encoded when it is first asked for."""
    folder = tmp_path_factory.mktemp("clicks")
    wav = clicks.write(folder / "clicks.wav", round(60 * MINUTES), channels=2 if MINUTES >= 60 else 1)

    def of(form):
        path = folder / f"clicks.{form}"
        return path if path.exists() else clicks.encode(wav, path)

    return of


def recorded(project, ana, signal, *forms):
    """Layers of uploads, drawn and encoded by a worker as always."""
    recordings = [add_recording(signal(form), f"clicks.{form}", project, ana) for form in forms]
    worker = python("manage.py", "worker", "--once")
    said, _ = worker.communicate(timeout=60 + 120 * MINUTES)
    for recording in recordings:
        assert {"peaks", "proxy"} <= set(recording.derived.values_list("kind", flat=True)), said
    return [LayerFactory(session=recording.session, owner=ana) for recording in recordings]


def test_what_is_drawn_is_heard_within_ten_milliseconds_at_ten_places(sit, project, ana, signal):
    for form, layer in zip(FORMATS, recorded(project, ana, signal, *FORMATS), strict=True):
        bench = sit(layer)
        bench.wait("bench.player.canPlay && bench.tracks.length")
        found = Ear(bench.page).all_places()
        assert len(found) >= len(PLACES)
        assert max(each.true_ms for each in found) > 60_000 * MINUTES - 3_000
        assert max(abs(each.drawn_ms - each.true_ms) for each in found) < WORST_MS
        worst = max(found, key=lambda each: abs(each.apart_ms))
        print(f"\n{form}: {len(found)} clicks, worst {worst.apart_ms:+.1f} ms at {worst.true_ms / 1000:.1f} s")
        assert abs(worst.apart_ms) <= WORST_MS, (form, worst)
        # what a finest point of the waveform hides (2.7 ms either way) evens out over the places
        assert abs(mean(each.apart_ms for each in found)) <= 4, form


def test_the_measure_tells_a_late_picture_and_a_late_sound(sit, project, ana, signal, monkeypatch):
    """Two errors are planted: the picture 30 ms late, and a proxy without `delay_moov`, whose sound is 21.3 ms late."""
    bench = sit(*recorded(project, ana, signal, "wav"))
    bench.wait("bench.player.canPlay && bench.tracks.length")
    ear = Ear(bench.page)
    bench.look("bench.tracks[0].peaks.offsetMs += 30")
    found = ear.some(20_000) + ear.some(100_000)
    assert len(found) >= 2
    for each in found:
        assert each.apart_ms == pytest.approx(-30, abs=WORST_MS)

    monkeypatch.setattr(proxy, "FLAGS", proxy.FLAGS.replace("+delay_moov", ""))
    monkeypatch.setattr(proxy, "check", lambda *args, **more: (0, 0))
    derived = Derived.objects.get(kind="proxy")
    path = derived.recording.derived_folder() / "late.mp4"
    proxy.build(signal("wav"), path)
    derived.path = str(path.relative_to(path.parent.parent.parent))
    derived.digest = sha256_of(path)
    derived.save()
    bench.open()
    bench.wait("bench.player.canPlay && bench.tracks.length")
    found = Ear(bench.page).some(20_000)
    assert found
    for each in found:
        assert each.apart_ms == pytest.approx(21.3, abs=WORST_MS)
        assert abs(each.apart_ms) > WORST_MS
