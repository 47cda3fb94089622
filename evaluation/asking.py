"""Works a judge's run: every question is bought once, within its budget, and what the reply states becomes a verdict.

A call is committed as sent, with the most that it can cost set aside, before its child hears of it. The child notes in
its spool what it sends and what it hears, and outlives this process: whoever goes on after a crash takes from the
spool what was bought, sends what never left, and leaves what was sent and never answered unscored.
"""

import heapq
import random
import shutil
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone

from evaluation.errors import StudyError
from evaluation.judges import REPAIRS, Reading, endpoint_named, question_of, told
from evaluation.judging import buying, parser
from evaluation.judging.abilities import QUESTION, Abilities, probe
from evaluation.judging.budget import NANO, Budget, estimate
from evaluation.judging.endpoints import FINGERPRINT, Endpoint
from evaluation.judging.errors import Invalid, JudgeError
from evaluation.judging.keys import key_of
from evaluation.judging.parameters import parameters
from evaluation.judging.replies import Reply
from evaluation.judging.templates import CRITERIA, TEMPLATES, Message, labels_of, repaired, schema
from evaluation.models import Item, JudgeAbilities, JudgeCall, JudgeReply, JudgeRun, Verdict
from evaluation.models.judge import tallied
from mixassist_site.jobs import JobError, JobStopped, Lease

S = JudgeCall.State
TRIES = {"unreachable": 3}  # of a call; five of everything else that may pass
MOST_TRIES = 5
LONGEST_WAIT_S = 60.0
HOPELESS = ("unauthorised", "not-found", "no-key", "no-credit", "other-host", "redirect", "no-tls")
IN_A_ROW = 3  # calls that ended without an answer: the endpoint is away, and the others are not tried
AT_ONCE = 100


def judge(run: JudgeRun, lease: Lease) -> None:
    """Ask every question of a run that has not been answered yet, and publish what came of it."""
    endpoint = _endpoint(run)
    lay_out(run, lease)
    desk = Desk(run, lease, endpoint)
    if not buying.wait_for_orphan(desk.spool, endpoint.timeout_s + 30, lease.should_stop):
        if lease.should_stop():
            raise JobStopped
        raise RuntimeError("the child of an earlier attempt still asks")
    desk.collect()
    if desk.queue:
        desk.work()
    if lease.should_stop() and desk.queue:
        raise JobStopped
    shutil.rmtree(desk.spool, ignore_errors=True)
    tally = tallied(run.calls)
    record = run.record | {key: value for key, value in told(run, tally).items() if key != "run"}
    record |= {"attempted": tally["attempted"], "stopped": desk.stopped, "versions": versions(run)}
    with lease.publication(record=record, total=tally["attempted"], note=""):
        pass


def lay_out(run: JudgeRun, lease: Lease) -> None:
    """Write a row for every question, once."""
    if run.calls.exists():
        return
    reading = Reading(run.study, run.reference)
    template = TEMPLATES[run.template]
    rows = []
    for question in reading.questions(template, run.orders, run.repeats, run.probes, run.seed):
        lacks = reading.lacks(question, run.seed)
        rows.append(
            JudgeCall(
                run=run,
                item=question.item,
                probe=question.probe,
                number=question.number,
                order_index=question.order_index,
                replicate=question.replicate,
                order=list(question.order),
                state=S.UNSCORED if lacks else S.QUEUED,
                reason="input" if lacks else "",
            )
        )
    with lease.writing():
        JudgeCall.objects.bulk_create(rows, batch_size=500)


def versions(run: JudgeRun) -> list[str]:
    """The models that answered, as the endpoint names them."""
    rows = run.calls.exclude(reply=None).values_list("reply__model", "reply__fingerprint").order_by().distinct()
    return sorted({f"{model} {fingerprint}".strip() for model, fingerprint in rows})


def _endpoint(run: JudgeRun) -> Endpoint:
    """The run's judge, if its settings still name the same one and the template still has the same words."""
    try:
        endpoint = endpoint_named(run.judge)
    except StudyError as error:
        raise JobError(error.code, error.message) from None
    if endpoint.digest != Endpoint.from_dict(run.judge, run.endpoint).digest:
        raise JobError("changed", f"The judge {run.judge} has another address or model now; start a new run.")
    if TEMPLATES[run.template].digest != run.template_digest:
        raise JobError("changed", "The template has other words than when this run began; start a new run.")
    return endpoint


class Desk:
    """The calls of one run while they are asked."""

    def __init__(self, run: JudgeRun, lease: Lease, endpoint: Endpoint) -> None:
        self.run, self.lease, self.endpoint = run, lease, endpoint
        self.template = TEMPLATES[run.template]
        self.reading = Reading(run.study, run.reference)
        self.items: dict[int, Item] = {item.pk: item for item in self.reading.items}
        self.price = endpoint.known_price
        self.spool = Path(settings.RUNS_ROOT) / "judging" / str(run.pk)
        self.queue: deque[int] = deque()
        self.later: list[tuple[float, int]] = []  # (when, call): to be asked again
        self.sent: dict[str, JudgeCall] = {}
        self.failed_in_a_row = 0
        self.stopped = ""
        self.abilities: Abilities | None = None
        self.rng = random.Random()
        self.next_at = 0.0
        self.budget = Budget(None, None)  # the true one is counted from the rows, once they say what was bought
        self.total = self.done = 0

    # --- what was left -------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take what an earlier attempt bought, send again what never left, give up on what was lost."""
        answers, lost = buying.left_in(self.spool)
        for call in self.run.calls.filter(state=S.SENT).select_related("item").order_by("pk"):
            id = _id(call)
            if id in answers:
                self.take(call, answers[id])
            elif id in lost:
                with self.lease.writing():
                    charged = call.reserved_nano
                    self._unscored(call, "interrupted", "sent, and never answered", cost_nano=F("cost_nano") + charged)
            else:
                with self.lease.writing():
                    undone = {"attempts": F("attempts") - 1, "bought": F("bought") - 1}
                    self._update(call, state=S.QUEUED, reserved_nano=0, **undone)
        spent = self.run.calls.aggregate(bought=Sum("bought"), nano=Sum("cost_nano"))
        self.budget = Budget(self.run.max_calls, self.run.max_nano, spent["bought"] or 0, spent["nano"] or 0)
        self.later = []
        self.queue = deque(self.run.calls.filter(state=S.QUEUED).order_by("pk").values_list("pk", flat=True))
        tally = tallied(self.run.calls)
        self.total, self.done = tally["attempted"], tally["attempted"] - tally["open"]

    # --- asking --------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Answer from what is stored already; buy the rest."""
        kept = JudgeAbilities.objects.filter(project=self.run.project, digest=self.endpoint.digest).first()
        if kept:
            self.abilities = Abilities.from_dict(kept.abilities)
            self.answer_from_cache()
        if not self.queue or self.lease.should_stop():
            return
        self._say(at_once=True)
        try:
            with buying.Buyer(self.endpoint, self.spool) as buyer:
                if self.abilities is None:
                    self._find_abilities(buyer)
                    self.answer_from_cache()
                self.buy(buyer)
        except JudgeError as error:
            if error.code == "stopped":
                raise JobStopped from None
            self.give_up(error.message)
        except buying.ChildGone:
            raise RuntimeError("the child that buys answers ended") from None

    def answer_from_cache(self) -> None:
        """Settle every call whose reply is here, and the calls that follow from it."""
        waiting, self.queue = list(self.queue), deque()
        while waiting and not self.lease.should_stop():
            some, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            calls = {call.pk: call for call in self._calls(some)}
            named = {pk: self.key(calls[pk]) for pk in some}
            replies = {
                reply.key: reply
                for reply in JudgeReply.objects.filter(project=self.run.project, key__in=list(named.values()))
            }
            with self.lease.writing():
                for pk in some:
                    if reply := replies.get(named[pk]):
                        follows = self.settle(calls[pk], reply, is_cached=True)
                        waiting += [follows] if follows else []
                    else:
                        self.queue.append(pk)
            self._say()
        self.queue.extend(waiting)

    def buy(self, buyer: buying.Buyer) -> None:
        """Send what the limits allow, take what comes, until nothing is left or nothing may be sent."""
        while True:
            stop = self.lease.should_stop() or bool(self.stopped)
            if not stop:
                self.send_some(buyer)
            if not self.sent and (stop or not (self.queue or self.later)):
                break
            answer = buyer.next(min(0.2, self._idle()))
            if answer and answer.id in self.sent:
                self.take(self.sent.pop(answer.id), answer)
            self._say()
        if self.stopped:
            self.give_up(self.stopped)
        self.queue.extend(pk for _, pk in self.later)

    def send_some(self, buyer: buying.Buyer) -> None:
        """Send calls as far as the endpoint's limits and the budget reach."""
        now = time.monotonic()
        while self.later and self.later[0][0] <= now:
            self.queue.appendleft(heapq.heappop(self.later)[1])
        while self.queue and len(self.sent) < self.endpoint.max_parallel and time.monotonic() >= self.next_at:
            call = next(iter(self._calls([self.queue[0]])))
            asked = self.messages(call)
            most = estimate(asked, self.endpoint.max_output_tokens).most_nano(self.price)
            if not self.budget.reserve(most):
                if not self.sent:
                    self.stopped = self._spent()
                return
            self.queue.popleft()
            key = self.key(call, asked)
            with self.lease.writing():
                counts = {"attempts": F("attempts") + 1, "bought": F("bought") + 1}
                kept = {"messages": asked, "parameters": self.parameters(call), "key": key, "reserved_nano": most}
                self._update(call, state=S.SENT, sent_at=timezone.now(), **kept, **counts)
            call.refresh_from_db()
            assert self.abilities is not None
            self.sent[_id(call)] = call
            if self.endpoint.per_minute:
                self.next_at = time.monotonic() + 60 / self.endpoint.per_minute
            form = schema(self.template, len(call.order))
            buyer.send(_id(call), asked, self.abilities, schema=form, seed=self._seed(call))

    def take(self, call: JudgeCall, answer: buying.Answer) -> None:
        """Write down what came of a call that was sent."""
        with self.lease.writing():
            if answer.reply:
                self.failed_in_a_row = 0
                cost = self._cost(answer.reply, call.reserved_nano)
                self.budget.settle(call.reserved_nano, cost)
                self._update(call, cost_nano=F("cost_nano") + cost, reserved_nano=0)
                kept, _ = JudgeReply.objects.get_or_create(
                    project=self.run.project, key=call.key, defaults=_stored(answer.reply) | {"cost_nano": cost}
                )
                if follows := self.settle(call, kept):
                    self.queue.append(follows)
                type(self.run).objects.filter(pk=self.run.pk, fence=self.lease.fence).update(attempt=1)
            else:
                assert answer.error is not None
                self._failure(call, answer.error)
        buying.forget(self.spool, _id(call))

    def settle(self, call: JudgeCall, reply: JudgeReply, *, is_cached: bool = False) -> int | None:
        """Read a verdict out of a reply; None, or the call that asks the judge to mend its answer."""
        heard = {"reply": reply, "is_cached": is_cached, "answered_at": timezone.now()}
        if reply.fingerprint == FINGERPRINT and not self.run.is_scripted:
            self.run.is_scripted = True
            self.run.save(update_fields=["is_scripted"])
        if is_cached:
            asked = self.messages(call)
            heard |= {"messages": asked, "parameters": self.parameters(call), "key": reply.key}
            call.messages = asked
        if reply.refusal or reply.finish == "content_filter":
            self._unscored(call, "refusal", "the judge declined", **heard)
            return None
        try:
            found = read(self.template.shape, reply.text, len(call.order), ties=self.template.ties)
        except Invalid as error:
            why = str(error)[:200]
            if parser.is_refusal(reply.text):
                self._unscored(call, "refusal", "the judge declined", **heard)
                return None
            if call.repair >= REPAIRS:
                self._unscored(call, "parse", why, **heard)
                return None
            self._update(call, state=S.INVALID, detail=why, **heard)
            place = {name: getattr(call, name) for name in ("probe", "number", "order_index", "replicate", "order")}
            again = repaired(call.messages, reply.text, why)
            mending = JudgeCall.objects.create(
                run=self.run, item_id=call.item_id, repair=call.repair + 1, messages=again, **place
            )
            return mending.pk
        self._update(call, state=S.OK, **heard)
        Verdict.objects.create(call=call, said=found.said, start=found.start, end=found.end)
        self.done += 1
        return None

    def give_up(self, why: str) -> None:
        """Leave what was not asked unscored, with the reason."""
        self.stopped = why
        reason = "budget" if why == self._spent() else "transport"
        with self.lease.writing():
            left = self.run.calls.filter(state=S.QUEUED).update(state=S.UNSCORED, reason=reason)
        self.done += left
        self.queue.clear()
        self.later = []

    # --- one call ------------------------------------------------------------------------------------------

    def messages(self, call: JudgeCall) -> list[Message]:
        """What a call asks: its own words where it asks to mend an answer, the template's otherwise."""
        if call.repair:
            kept: list[Message] = call.messages
            return kept
        return self.reading.messages(self.template, question_of(call, self.items[call.item_id]), self.run.seed)

    def parameters(self, call: JudgeCall) -> dict[str, Any]:
        """What is sent beside the messages."""
        assert self.abilities is not None
        form = schema(self.template, len(call.order))
        return parameters(self.endpoint, self.abilities, schema=form, seed=self._seed(call))

    def key(self, call: JudgeCall, asked: list[Message] | None = None) -> str:
        """The name of a call by its content."""
        return key_of(
            self.endpoint,
            self.run.template_digest,
            asked or self.messages(call),
            self.parameters(call),
            order=call.order,
            replicate=call.replicate,
        )

    def _seed(self, call: JudgeCall) -> int:
        return (self.run.seed + call.replicate) % 2**31

    def _cost(self, reply: Reply, reserved: int) -> int:
        if self.price is None:
            return 0
        if reply.tokens_in is None or reply.tokens_out is None:
            return reserved  # nobody said how much it was: the most
        return self.price.nano(reply.tokens_in, reply.tokens_out)

    def _failure(self, call: JudgeCall, error: JudgeError) -> None:
        if error.may_be_charged:
            self.budget.settle(call.reserved_nano, call.reserved_nano)
            self._update(call, cost_nano=F("cost_nano") + call.reserved_nano, reserved_nano=0)
        else:
            self.budget.release(call.reserved_nano)
            self._update(call, bought=F("bought") - 1, reserved_nano=0)
        tries = TRIES.get(error.code, MOST_TRIES)
        if not error.permanent and call.attempts < tries:
            self._update(call, state=S.QUEUED, detail=error.message[:200])
            wait = min(self.endpoint.backoff_s * 2 ** (call.attempts - 1), LONGEST_WAIT_S) * self.rng.uniform(
                0.75, 1.25
            )
            heapq.heappush(self.later, (time.monotonic() + max(wait, error.retry_after_s or 0), call.pk))
            if error.code == "too-many":  # it speaks for the endpoint, and not for this call
                self.next_at = max(self.next_at, time.monotonic() + (error.retry_after_s or 0))
            return
        self._unscored(call, "rejected" if error.code == "rejected" else "transport", error.message)
        self.failed_in_a_row += 1
        if error.code in HOPELESS or self.failed_in_a_row >= max(IN_A_ROW, self.endpoint.max_parallel):
            self.stopped = error.message

    def _unscored(self, call: JudgeCall, reason: str, detail: str, **more: Any) -> None:
        self._update(call, state=S.UNSCORED, reason=reason, detail=detail[:200], **more)
        self.done += 1

    def _update(self, call: JudgeCall, **fields: Any) -> None:
        JudgeCall.objects.filter(pk=call.pk).update(**fields)

    def _calls(self, pks: Iterable[int]) -> list[JudgeCall]:
        return list(JudgeCall.objects.filter(pk__in=list(pks)).order_by("pk"))

    # --- the endpoint --------------------------------------------------------------------------------------

    def _find_abilities(self, buyer: buying.Buyer) -> None:
        """Ask once what the endpoint takes, and keep it."""
        number = 0

        def try_with(abilities: Abilities) -> None:
            nonlocal number
            for attempt in range(MOST_TRIES):
                number += 1
                id = f"abilities-{self.lease.fence}-{number}"
                buyer.send(id, QUESTION, abilities, schema=schema(TEMPLATES["paper-v1"], 1), seed=1)
                error = self._heard(buyer, id)
                if error is None:
                    return
                if error.permanent or attempt + 1 >= TRIES.get(error.code, MOST_TRIES):
                    raise error
                self._wait(max(self.endpoint.backoff_s * 2**attempt, error.retry_after_s or 0))

        self.lease.report(self.done, self.total, "Finds out what the judge's server takes", at_once=True)
        found, requests = probe(try_with)
        with self.lease.writing():
            kept, _ = JudgeAbilities.objects.get_or_create(
                project=self.run.project,
                digest=self.endpoint.digest,
                defaults={"abilities": found.as_dict(), "requests": requests},
            )
        self.abilities = Abilities.from_dict(kept.abilities)

    def _heard(self, buyer: buying.Buyer, id: str) -> JudgeError | None:
        """Wait for one answer of the probe: None for a reply, or the error."""
        while True:
            answer = buyer.next(0.2)
            if answer and answer.id == id:
                buying.forget(self.spool, id)
                return answer.error
            if self.lease.should_stop():
                raise JudgeError("stopped", "The run was stopped.", permanent=True)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + min(seconds, LONGEST_WAIT_S)
        while time.monotonic() < until:
            if self.lease.should_stop():
                raise JudgeError("stopped", "The run was stopped.", permanent=True)
            time.sleep(0.1)

    def _idle(self) -> float:
        """How long nothing will be due."""
        due = self.later[0][0] if self.later else time.monotonic() + 0.2
        if self.queue and len(self.sent) < self.endpoint.max_parallel:
            due = min(due, self.next_at)
        return max(0.005, due - time.monotonic())

    def _spent(self) -> str:
        caps = []
        if self.run.max_calls is not None:
            caps.append(f"{self.run.max_calls} calls")
        if self.run.max_nano is not None:
            caps.append(f"${self.run.max_nano / NANO:.2f}")
        return (
            f"The budget of {' and '.join(caps)} does not reach further; start again with more: what is bought stays."
        )

    def _say(self, *, at_once: bool = False) -> None:
        money = f", ${self.budget.spent / NANO:.4f} spent" if self.price and self.budget.spent else ""
        self.lease.report(
            self.done, self.total, f"{self.done} of {self.total} questions settled{money}", at_once=at_once
        )


def read(shape: str, text: str, count: int, *, ties: bool) -> parser.Ranking | parser.Scores:
    """The verdict that a text states for a template's shape; Invalid where it states none."""
    if shape == "pointwise":
        return parser.scores(text, list(CRITERIA))
    return parser.ranking(text, labels_of(count), ties=ties)


def _id(call: JudgeCall) -> str:
    """A request's name in the spool: each attempt has its own."""
    return f"{call.pk}-{call.attempts}"


def _stored(reply: Reply) -> dict[str, Any]:
    return reply.as_dict()
