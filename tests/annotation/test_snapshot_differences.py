"""Two snapshots side by side: rows added, gone, and changed by column."""

import json
import shutil

import pytest
from django.core.management import CommandError, call_command

from annotation import execute
from annotation.launch import start_snapshot
from annotation.models import FlagValue
from annotation.snapshots.differing import differences
from tests.annotation.test_snapshots import EVERYTHING, accepted, build, record
from tests.factories import turn


@pytest.fixture
def two(project, tmp_path):
    layer = accepted(record(tmp_path, project))
    one = build(project, "one")
    said = layer.segments.get(lane="expert", text="Advice 0.")
    said.text = "Other advice 0."
    said.save()
    FlagValue.objects.filter(turn=layer.turns.order_by("pk")[3]).update(value="yes")
    layer.conversations.order_by("pk").last().turns.all().delete()
    extra = layer.conversations.order_by("pk").first()
    layer.turns.filter(pk=turn(layer, 7500, expert="One more.", music=False).pk).update(conversation=extra)
    return one, build(project, "two")


def test_rows_are_added_gone_and_changed_by_column(two):
    found = differences(two[0].path, two[1].path)
    gone = {("Group1-04", 1, ""), ("Group1-04", 2, "")}
    assert set(found.gone) == gone
    assert found.added == [("Group1-01", 3, "")]
    assert "assistant" in found.changed["Group1-01", 1, ""]
    assert "input_history" in found.changed["Group1-01", 2, ""]
    assert {"has_content", "flags"} <= set(found.changed["Group1-02", 2, ""])
    assert found.same + len(found.changed) + len(gone) == two[0].rows
    assert list(found.columns().values()) == sorted(found.columns().values(), reverse=True)


def test_a_snapshot_and_itself_do_not_differ(two):
    found = differences(two[0].path, two[0].path)
    assert (found.told(), found.same) == ([], 8)


def test_the_page_shows_what_each_side_says(client, ana, two):
    client.force_login(ana)
    page = client.get(f"/snapshots/{two[1].pk}/differences/").content.decode()
    assert "1 added, 2 gone" in page
    assert "Other advice 0." in page
    assert ">Advice 0.<" in page
    assert client.get(f"/snapshots/{two[1].pk}/differences/?from=999").status_code == 404
    back = client.get(f"/snapshots/{two[0].pk}/differences/").content.decode()  # the other one is newer, and is offered
    assert "2 added, 1 gone" in back


def test_scripts_get_the_rows_page_by_page(client, ana, sam, two):
    client.force_login(ana)
    address = f"/api/v1/snapshots/{two[1].pk}/differences/"
    told = client.get(f"{address}?from={two[0].pk}&page_size=2").json()
    assert (told["added"], told["gone"]) == (1, 2)
    assert len(told["rows"]["results"]) == 2
    assert client.get(address).status_code == 400
    assert client.get(f"{address}?from=99999").status_code == 404
    client.force_login(sam)
    assert client.get(f"{address}?from={two[0].pk}").status_code == 404


def test_files_that_are_lost_are_told_and_nothing_breaks(client, ana, two, capsys):
    call_command("compare_snapshots", "one", "two", "--json")
    assert json.loads(capsys.readouterr().out)["added"] == 1
    shutil.rmtree(two[0].path)
    client.force_login(ana)
    assert "not where they were frozen" in client.get(f"/snapshots/{two[1].pk}/differences/").content.decode()
    assert client.get(f"/api/v1/snapshots/{two[1].pk}/differences/?from={two[0].pk}").status_code == 409
    with pytest.raises(CommandError, match="not where they were frozen"):
        call_command("compare_snapshots", "one", "two")
    with pytest.raises(CommandError, match="no frozen snapshot three"):
        call_command("compare_snapshots", "one", "three")


def test_a_move_to_another_split_is_a_change_of_the_split(project, tmp_path):
    accepted(record(tmp_path, project))
    made = [start_snapshot(project, str(seed), EVERYTHING, seed=seed, by=None) for seed in (0, 1)]
    for snapshot in made:
        execute.snapshot(snapshot)
        snapshot.refresh_from_db()
    found = differences(made[0].path, made[1].path)
    assert (found.added, found.gone) == ([], [])
    assert set(found.columns()) == {"split"}
