"""Make a blind study and open it, from the shell."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Snapshot
from evaluation import pairing, protocol, rules
from evaluation.errors import StudyError
from evaluation.models import Comparison, Study
from modeling.shell import found


class Command(BaseCommand):
    """`create_study SNAPSHOT --contenders a,b[,c] --raters N`"""

    help = "Let raters compare the answers of two or more sources blind; prints a link for each rater."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who competes, before whom."""
        parser.add_argument("snapshot", help="id or name")
        parser.add_argument("--contenders", required=True, help="expert, base keys, adapter names; with commas")
        parser.add_argument("--raters", type=int, required=True)
        parser.add_argument("--split", default="test")
        parser.add_argument("--title", default="")
        parser.add_argument("--question", default=protocol.QUESTION)
        parser.add_argument("--ratings", type=int, help="per comparison; worked out from the raters otherwise")
        parser.add_argument("--trials", type=int, help="pairs per rater; worked out from the ratings otherwise")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--rules", type=json.loads, default={}, help="JSON, as docs/studies.md names the rules")
        parser.add_argument("--sample", type=int, help="items to draw by the seed; all otherwise")
        parser.add_argument("--draft", action="store_true", help="do not open it yet: the links work from the opening")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, open, and show the links."""
        snapshot = found(Snapshot.objects.frozen().select_related("project"), options["snapshot"], "frozen snapshot")
        names = [name.strip() for name in options["contenders"].split(",") if name.strip()]
        wanted = {key: options[key] for key in ("split", "raters", "title", "question", "ratings", "trials", "seed")}
        try:
            contenders = protocol.choose(snapshot, options["split"], names)
            wanted |= {"rules": rules.read(options["rules"]), "choice": pairing.Choice(sample=options["sample"])}
            study = protocol.create(protocol.Plan(snapshot=snapshot, contenders=contenders, **wanted))
        except (StudyError, rules.RuleError) as error:
            raise CommandError(error.message) from None
        if not options["draft"]:
            protocol.open_study(study)
        if options["json"]:
            self.stdout.write(json.dumps(told(study)))
        else:
            self.stdout.write(f"Study {study.pk} is {study.state}. Its raters' links, under the site's address:")
            for rater in study.raters.all():
                self.stdout.write(f"  {rater.label}: {rater.get_absolute_url()}")


def told(study: Study) -> dict[str, Any]:
    """The study for scripts."""
    return {
        "study": study.pk,
        "state": study.state,
        "contenders": [contender.name for contender in study.contenders.order_by("pk")],
        "items": study.items.filter(is_check=False).count(),
        "skipped": study.skipped,
        "comparisons": Comparison.objects.filter(item__study=study).count(),
        "ratings_per_comparison": study.ratings_per_comparison,
        "trials_per_rater": study.trials_per_rater,
        "frozen_hash": study.frozen_hash,
        "raters": [{"label": rater.label, "link": rater.get_absolute_url()} for rater in study.raters.all()],
    }
