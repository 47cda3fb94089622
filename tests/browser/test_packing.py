"""The document as it comes over the network is the document."""

import json

import pytest

from tests.factories import SegmentFactory, conversation, turn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_packed_document_is_the_same_once_it_is_unpacked(sit, layer):
    for number in range(3):
        turn(layer, number * 6_000, flag="yes")
    conversation(layer, list(layer.turns.all()[:2]))
    SegmentFactory(layer=layer, lane="note", start_ms=100, end_ms=200)
    bench = sit(layer)
    bench.press("PageDown", "c")
    bench.type("They have just begun.")
    bench.press("Control+Enter")
    bench.saved()
    plain, packed, unpacked = bench.page.evaluate(f"""async () => {{
      const {{ unpacked }} = await import("workbench/packing")
      const read = async (query) => (await fetch("/api/v1/layers/{layer.pk}/document/" + query)).json()
      const packed = await read("?form=packed")
      return [await read(""), packed, unpacked(packed)]
    }}""")
    assert len(plain["turns"]) == 3 and plain["summaries"] and plain["flags"] and plain["conversations"]
    assert {**unpacked, "packed": None} == {**plain, "packed": None}
    told = json.dumps({**packed, "undoable": []})
    uids = [row["uid"] for kind in ("segments", "turns", "conversations") for row in plain[kind]]
    assert all(told.count(uid) == 1 for uid in uids), "every uid is told once"


def test_another_form_is_refused(client, ana, layer):
    client.force_login(ana)
    answer = client.get(f"/api/v1/layers/{layer.pk}/document/?form=tiny")
    assert answer.status_code == 400
    assert "form" in answer.json()
