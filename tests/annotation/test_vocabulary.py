"""A project's words and rules have versions; a key that exists stays, retired or not."""

import importlib
import json
import re
import uuid

import pytest
from django.apps import apps

from annotation.models import Project, VocabularyVersion
from tests.factories import LayerFactory, SessionFactory, conversation, turn
from tests.people import member

ADDRESS = "/projects/songs/vocabulary/"


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project))


def typed(client) -> dict:
    """The form as the page gives it to somebody who changes nothing."""
    page = client.get(ADDRESS).content.decode()
    form = {}
    for tag in re.findall(r"<input [^>]*>", page):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        if name and ('type="checkbox"' not in tag or "checked" in tag):
            form[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', page, re.S):
        form[name] = re.search(r'value="([^"]*)" selected', options)[1]
    return form


def save(client, **changes):
    return client.post(ADDRESS, {**typed(client), **changes})


def keys(entries, *, retired=None) -> list:
    return [e["key"] for e in entries if retired is None or bool(e.get("retired")) == retired]


def send(client, layer, **edit):
    body = {"base_revision": layer.revision, "edits": [{"id": str(uuid.uuid4()), **edit}]}
    answer = client.post(f"/api/v1/layers/{layer.pk}/edits/", json.dumps(body), content_type="application/json")
    layer.refresh_from_db()
    return answer


def test_a_new_project_begins_with_version_one(project):
    version = project.vocabulary_versions.get()
    assert (version.number, version.topics, version.flags) == (1, project.topics, project.flags)
    assert version.rules["lanes"]["music"] == {"min_ms": 100, "max_ms": 30_000, "overlap": "warn"}


def test_the_migration_makes_version_one_of_what_each_project_has(project):
    VocabularyVersion.objects.all().delete()
    Project.objects.filter(pk=project.pk).update(topics=[{"key": "brass", "label": "Brass"}])
    importlib.import_module("annotation.migrations.0007_vocabularies_have_versions").begin(apps, None)
    version = project.vocabulary_versions.get()
    assert (version.number, keys(version.topics), version.created_at) == (1, ["brass"], project.created_at)


def test_topics_are_added_renamed_reordered_retired_and_brought_back(client, ada, project):
    client.force_login(ada)
    changes = {"topics-0-label": "Drum kit", "topics-1-retired": "on", "topics-2-ORDER": "0"}
    answer = save(client, **changes, **{"topics-6-label": "Strings & brass", "rules-note": "They play strings."})
    assert answer.status_code == 302
    project.refresh_from_db()
    assert keys(project.topics) == ["guitars", "drums", "overall_mix", "bass", "vocals", "keys", "strings_brass"]
    assert project.topic_label("drums") == "Drum kit"
    assert keys(project.topics, retired=True) == ["overall_mix"]
    version = project.vocabulary_versions.get(number=2)
    assert (version.topics, version.author, version.note) == (project.topics, ada, "They play strings.")

    form = typed(client)
    place = next(name for name, value in form.items() if value == "overall_mix").removesuffix("key")
    del form[f"{place}retired"]
    client.post(ADDRESS, form)
    project.refresh_from_db()
    assert keys(project.topics, retired=True) == []
    page = client.get(ADDRESS).content.decode()
    assert "topic overall_mix brought back" in page
    assert "topic drums is called “Drum kit”, was “Drums”" in page
    assert "They play strings." in page


def test_saving_without_a_change_makes_no_version(client, ada, project):
    client.force_login(ada)
    assert save(client).status_code == 302
    assert project.vocabulary_versions.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"topics-0-label": ""}, "Say what people read."),
        ({"topics-6-label": "Bass"}, "There is a topic with the key “bass” already"),
        ({"topics-0-label": "bass"}, "Another topic is called this."),
        ({"topics-6-label": "Скрипки"}, "there are none here; the label can be changed later."),
        ({"flags-1-label": "Vague", "flags-1-letter": "H"}, "Another flag has this letter."),
        ({"flags-1-label": "Vague", "flags-1-letter": "5"}, "One letter from a to z."),
        ({f"topics-{n}-retired": "on" for n in range(6)}, "Leave at least one topic that can be chosen."),
        ({"rules-music_max_ms": "50"}, "This has to be more than the least, 100."),
        ({"rules-summary_max": "many"}, "Enter a whole number."),
        ({"rules-expert_overlap": "forbid"}, "not one of the available choices"),
        ({"topics-TOTAL_FORMS": ""}, "This came back incomplete"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_lost_of_what_was_typed(client, ada, project, changes, sentence):
    client.force_login(ada)
    answer = save(client, **changes, **{"rules-note": "my long reason"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert sentence in page
    assert "my long reason" in page
    assert project.vocabulary_versions.count() == 1


def test_of_two_who_save_at_once_the_second_is_told_and_keeps_what_they_typed(client, ada, project):
    eve = member(project, "eve", "admin")
    client.force_login(ada)
    mine = {**typed(client), "topics-6-label": "Strings"}
    client.force_login(eve)
    save(client, **{"topics-6-label": "Brass"})
    client.force_login(ada)
    answer = client.post(ADDRESS, mine)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "eve has saved version 2 meanwhile (topic brass added)" in page
    assert 'value="Strings"' in page
    assert project.vocabulary_versions.count() == 2
    assert client.post(ADDRESS, {**mine, "seen": re.search(r'name="seen" value="(\d+)"', page)[1]}).status_code == 302
    project.refresh_from_db()
    assert {"brass", "strings"} < set(keys(project.topics))


def test_only_one_version_comes_on_top_of_another(project, ada):
    words = {"topics": project.topics, "flags": project.flags, "rules": project.rules}
    other = Project.objects.get(pk=project.pk)
    assert project.revise(seen=1, **words, by=ada).number == 2
    assert other.revise(seen=1, **words, by=ada) is None


def test_a_key_never_vanishes(project, ada):
    project.revise(seen=1, topics=[{"key": "brass", "label": "Brass"}], flags=[], rules=project.rules, by=ada)
    project.refresh_from_db()
    assert keys(project.topics)[:2] == ["brass", "drums"]
    assert keys(project.flags) == ["has_content"]


def test_a_name_that_is_saved_late_does_not_bring_back_old_words(client, ada, project):
    stale = Project.objects.get(pk=project.pk)
    words = {"flags": project.flags, "rules": project.rules}
    project.revise(seen=1, topics=[{"key": "brass", "label": "Brass"}], **words, by=ada)
    from annotation.forms import ProjectForm

    form = ProjectForm({"name": "Songs II", "guidelines": ""}, instance=stale)
    assert form.is_valid()
    form.save()
    project.refresh_from_db()
    assert (project.name, project.vocabulary_number, keys(project.topics)[0]) == ("Songs II", 2, "brass")


def retire(project, by):
    topics = [{**topic, **({"retired": True} if topic["key"] == "bass" else {})} for topic in project.topics]
    flags = [{**flag, "retired": True} for flag in project.flags]
    project.revise(seen=project.vocabulary_number, topics=topics, flags=flags, rules=project.rules, by=by)


def test_a_retired_topic_is_not_chosen_again_and_may_stay_where_it_is(client, ana, ada, layer, project):
    first, second = turn(layer, 0), turn(layer, 10_000)
    held = conversation(layer, [first], topic="bass")
    retire(project, ada)
    client.force_login(ana)
    made = {"op": "conversation.create", "uid": str(uuid.uuid4()), "turns": [str(second.uid)]}
    answer = send(client, layer, **made, topic="bass")
    assert answer.json()["error"] == "retired-topic"
    assert "has retired the topic “bass”" in answer.json()["message"]
    assert send(client, layer, **made, topic="drums").status_code == 200
    here = {"op": "conversation.update", "uid": str(held.uid)}
    both = [str(first.uid), str(second.uid)]
    assert send(client, layer, **here, topic="bass", turns=both).status_code == 200
    assert send(client, layer, **here, topic="drums").status_code == 200
    assert send(client, layer, **here, topic="bass").json()["error"] == "retired-topic"


def test_a_retired_flag_can_only_be_taken_away(client, ana, ada, layer, project):
    flagged, bare = turn(layer, 0, flag="yes"), turn(layer, 10_000)
    retire(project, ada)
    client.force_login(ana)
    op = {"op": "flag.set", "flag": "has_content"}
    assert send(client, layer, **op, turn=str(bare.uid), value="yes").json()["error"] == "retired-flag"
    assert send(client, layer, **op, turn=str(flagged.uid), value="no").json()["error"] == "retired-flag"
    assert send(client, layer, **op, turn=str(flagged.uid), value="yes", note="as it was").status_code == 200
    assert send(client, layer, **op, turn=str(flagged.uid), value=None).status_code == 200


def test_the_document_tells_version_rules_and_what_is_retired(client, ana, ada, layer, project):
    retire(project, ada)
    client.force_login(ana)
    told = client.get(f"/api/v1/layers/{layer.pk}/document/").json()["vocabulary"]
    assert told["version"] == 2
    assert keys(told["topics"], retired=True) == ["bass"]
    assert told["flags"][0]["retired"] is True
    assert told["rules"]["summary_words"] == {"min": 0, "max": 80}


def test_a_long_list_of_versions_is_paged(client, ada, project):
    for number in range(1, 24):
        rules = {**project.rules, "summary_words": {"min": 0, "max": 80 + number}}
        project.revise(seen=number, topics=project.topics, flags=project.flags, rules=rules, by=ada)
    client.force_login(ada)
    assert "summary words max: 84, was 83" in client.get(ADDRESS).content.decode()
    page = client.get(f"{ADDRESS}?page=2").content.decode()
    assert "summary words max: 83, was 82" in page
    assert "as the project began with it" in page
    assert "was 90" not in page
