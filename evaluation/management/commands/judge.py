"""Let a language model judge a study's answers, from the shell."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation import execute, judges
from evaluation.errors import StudyError
from evaluation.judging.endpoints import MARK
from evaluation.judging.orders import MODES
from evaluation.judging.templates import REFERENCES, TEMPLATES
from evaluation.models import JudgeRun, Study
from evaluation.models.judge import tallied
from modeling import shell


class Command(BaseCommand):
    """`judge STUDY --judge NAME [--dry-run]`"""

    help = "Ask a judge of JUDGE_ENDPOINTS about a study; --dry-run counts calls, tokens and money without asking."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who is asked about what, how, and for how much."""
        usual = judges.Options()
        parser.add_argument("study", type=int, help="the study's id")
        parser.add_argument("--judge", required=True, help="a name of JUDGE_ENDPOINTS")
        parser.add_argument("--template", default=usual.template, choices=list(TEMPLATES))
        parser.add_argument("--reference", default="", choices=["", *REFERENCES], help="what becomes of the expert")
        parser.add_argument("--orders", default=usual.orders, choices=list(MODES))
        parser.add_argument("--repeats", type=int, default=usual.repeats, help="per cent of questions asked twice")
        parser.add_argument("--probes", type=int, default=usual.probes, help="of each kind")
        parser.add_argument("--seed", type=int, default=usual.seed)
        parser.add_argument("--max-calls", type=int)
        parser.add_argument("--max-cost", type=float, help="in dollars")
        parser.add_argument("--accept-unknown-price", action="store_true")
        parser.add_argument("--dry-run", action="store_true", help="ask nothing, and say what it would take")
        parser.add_argument("--queue", action="store_true", help="let a worker do it")
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan, or ask to the end and tell."""
        study = Study.objects.select_related("snapshot", "project").filter(pk=min(options["study"], 2**62)).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']}.")
        wanted = {name: options[name] for name in ("template", "reference", "orders", "repeats", "probes", "seed")}
        wanted |= {"max_calls": options["max_calls"], "max_dollars": options["max_cost"]}
        asked = judges.Options(**wanted, accepts_unknown_price=options["accept_unknown_price"])
        try:
            endpoint = judges.endpoint_named(options["judge"])
            if options["dry_run"]:
                self._dry(judges.plan(study, endpoint, asked), options["json"])
                return
            if endpoint.known_price is None and not asked.accepts_unknown_price and sys.stdin.isatty():
                said = input(f"Nobody has said what {endpoint.name} costs. Ask it all the same? [y/N] ")
                asked = judges.Options(**wanted, accepts_unknown_price=said.strip().casefold() in ("y", "yes"))
            run = judges.start(study, endpoint.name, asked)
        except StudyError as error:
            raise CommandError(error.message) from None
        if not options["queue"]:
            shell.wait_for(run, execute.judge_study)
        self.stdout.write(json.dumps(judges.told(run, tallied(run.calls))) if options["json"] else sentence(run))

    def _dry(self, plan: judges.Plan, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(plan)))
            return
        money = "unknown money" if plan.dollars_most is None else f"${plan.dollars_most:.4f} at most"
        self.stdout.write(
            f"{plan.calls} calls ({plan.probes} of them probes, {plan.repeats} repeats), and up to two more for each "
            f"answer that can't be read; about {plan.tokens_in} tokens in, at most {plan.tokens_in_most}, and at most "
            f"{plan.tokens_out_most} out; {money}."
        )


def sentence(run: JudgeRun) -> str:
    """The run in words."""
    if not run.is_over:
        return f"Judge run {run.pk} is queued; a worker will ask."
    tally = tallied(run.calls)
    said = f"Judge run {run.pk}: {tally['scored']} of {tally['attempted']} questions scored"
    why = ", ".join(f"{n} {reason}" for reason, n in sorted(tally["unscored"].items()))
    marked = f" This is a {MARK}." if run.is_scripted else ""
    return f"{said}{f'; unscored: {why}' if why else ''}. {run.record.get('stopped', '')}{marked}".strip()
