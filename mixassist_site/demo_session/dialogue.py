"""What the two producers say about the song, and what plays while they say it.

Each turn is a run of steps: the amateur speaks, the expert speaks, the desk plays. A step starts `gap_ms` after the
step before it has ended; a negative gap lets it start over the end of that step. The desk remembers its settings, so a
fault that is mended stays mended for the rest of the session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TITLE = "Slow Harbour, mixing session"
SONG = "Slow Harbour"
LICENSE = "CC0-1.0"

DRUMS = ("kick", "snare", "hats", "toms", "room")
RHYTHM = (*DRUMS, "bass")
BAND = (*RHYTHM, "guitars", "keys")
EVERYTHING = (*BAND, "vocal")

VERSE = 0  # first beat of the verse; the chorus starts sixteen beats later
CHORUS = 16


@dataclass(frozen=True, slots=True)
class Say:
    """One utterance. `aside` is heard and transcribed, but belongs to no turn."""

    who: str
    text: str
    gap_ms: int = 250
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """One stretch of playback: which tracks are heard, from which beat, after which moves on the desk."""

    label: str
    hear: tuple[str, ...]
    beats: int
    at_beat: int = VERSE
    gap_ms: int = 150
    desk: Mapping[str, float | str | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """An annotator's remark on the step before it."""

    text: str


Step = Say | Play | Note


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn. With `same_clip` it speaks of the clip of the turn before."""

    steps: tuple[Step, ...]
    summary: str | None = None
    summary_model: str | None = None
    has_content: bool = True
    same_clip: bool = False
    expert_text: str | None = None
    flag_note: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """One conversation about one part of the mix."""

    key: str
    turns: tuple[Exchange, ...]


def ask(text: str, gap_ms: int = 250) -> Say:
    """Let the amateur speak."""
    return Say("amateur", text, gap_ms)


def tell(text: str, gap_ms: int = 250) -> Say:
    """Let the expert speak."""
    return Say("expert", text, gap_ms)


DRUM_BALANCE = Topic(
    "drums",
    (
        Exchange(
            (
                ask("Hi there. Can you hear me all right?", gap_ms=400),
                tell("Loud and clear. Play me something.", gap_ms=150),
                Note("greeting, nothing plays yet"),
            ),
            summary="This is our first session. I asked a more experienced producer to go through my song Slow "
            "Harbour with me. All the tracks are recorded, and nothing is processed yet. We have just put our "
            "headphones on.",
            has_content=False,
            flag_note="greeting",
        ),
        Exchange(
            (
                ask("This is Slow Harbour. I soloed the drums, so you can hear the balance."),
                Play("drums soloed, kick low", DRUMS, 8),
                tell("The snare reads well. The kick is shy, though. Bring it up until you feel it.", gap_ms=-2100),
            ),
            summary="We have just started on my song Slow Harbour. I recorded the drums with close mics and one "
            "stereo room pair, and set a first balance by ear. I am playing the kit alone and wonder "
            "whether the levels make sense.",
        ),
        Exchange(
            (
                Play("drums soloed, kick 5 dB up", DRUMS, 8, desk={"kick_db": 0.0}),
                ask("Like this? I gave it 5 dB.", gap_ms=-3000),
                tell("Yes. Now it carries the groove, and you didn't need an EQ for that.", gap_ms=100),
            ),
        ),
        Exchange(
            (
                ask("The snare has a ring that bothers me. Should I gate it?"),
                Play("snare soloed, ringing", ("snare",), 4, at_beat=1),
                tell("I wouldn't. Sweep a narrow cut around 800 Hz and take out most of it, not all.", gap_ms=100),
            ),
            summary="The kick sits better since I turned it up. Now I am bothered by my snare, which rings on after "
            "each hit. I am thinking of putting a gate on the close mic, so that the tail is simply shut "
            "away.",
        ),
        Exchange(
            (
                Play("drums soloed, ring cut at 800 Hz", DRUMS, 6, at_beat=8, desk={"ring_db": -13.0}),
                tell("Better. A bit of ring is what makes it a drum.", gap_ms=-1900),
            ),
        ),
    ),
)

DRUM_BUS = Topic(
    "drums",
    (
        Exchange(
            (
                ask("I put a compressor on the drum bus, but the hits feel smaller now."),
                Play(
                    "drum bus compressed, fast attack",
                    DRUMS,
                    8,
                    desk={"drum_ratio": 6.0, "drum_attack_ms": 0.3, "drum_release_ms": 300.0, "drum_makeup_db": 8.0},
                ),
                tell("Your attack is too fast. Open it to 30 ms, so the stick gets through first.", gap_ms=-2200),
            ),
            summary="We fixed the kick level and tamed the snare ring. After that I tried compression across the "
            "whole kit to make it sound like one instrument, at a ratio of six to one. To me it lost its "
            "impact, and I don't know which control to blame.",
        ),
        Exchange(
            (
                ask("And the release?"),
                tell("In time with the song. The needle should be back just before the next snare.", gap_ms=150),
            ),
            same_clip=True,
        ),
        Exchange(
            (
                Play(
                    "drum bus compressed, slow attack, release in time",
                    DRUMS,
                    8,
                    at_beat=4,
                    desk={"drum_ratio": 4.0, "drum_attack_ms": 30.0, "drum_release_ms": 150.0, "drum_makeup_db": 4.0},
                ),
                tell("Hear that? The kick punches, and the room swells up between the hits.", gap_ms=-3000),
            ),
        ),
        Exchange(
            (
                ask("Do we want more of the room mics?"),
                Play("drums soloed, room mics up", DRUMS, 8, at_beat=CHORUS, desk={"room_db": 0.0}),
                tell("In the chorus, yes. I'd keep the verse dry. How does she sing there?", gap_ms=-2000),
            ),
            summary="The drum bus works for me now: the attack is slow and the release follows the song. I pushed "
            "the stereo room pair to make the kit larger, and I am not sure whether that fits every part of "
            "the arrangement.",
        ),
        Exchange(
            (ask("Almost whispering."), tell("Then dry it is.", gap_ms=120)),
            has_content=False,
            same_clip=True,
        ),
    ),
)

BASS = Topic(
    "bass",
    (
        Exchange(
            (
                ask("Now the bass. Something's muddy, and I can't find where."),
                Play("bass and kick, bass muddy", ("kick", "bass"), 8, desk={"room_db": -9.0}),
                tell("Look between 200 and 300 Hz. Cut there before you boost anything.", gap_ms=-2000),
            ),
            summary="The drums are done for now, with a drier verse. I moved on to the bass, a plain DI recording. "
            "Next to the kick it sounds thick and unclear to me, and I don't know which range causes it.",
        ),
        Exchange(
            (
                Play("bass high-passed at 120 Hz, thin", ("kick", "bass"), 8, desk={"bass_low_cut_hz": 120.0}),
                ask("I high-passed it at 120. Cleaner, isn't it?", gap_ms=-2600),
                tell(
                    "Cleaner, but the note is gone. That's the wrong tool. Set it to 35, and cut the mud with a bell."
                ),
            ),
        ),
        Exchange(
            (
                Play(
                    "bass high-passed at 35 Hz, bell cut at 250 Hz",
                    ("kick", "bass"),
                    8,
                    at_beat=8,
                    desk={"bass_low_cut_hz": 35.0, "bass_mud_db": -1.0},
                ),
                ask("Okay, 35, and a wide bell at 250.", gap_ms=-3600),
                tell("There. You hear the pitch now, and the kick has its own place.", gap_ms=200),
            ),
        ),
        Exchange(
            (
                ask("They still hit together. Side chain?"),
                Play("kick and bass, bass ducked by the kick", ("kick", "bass"), 8, desk={"bass_duck_db": 5.0}),
                tell("A little. 2 or 3 dB, with a short release. When you hear it pump, back off.", gap_ms=-2500),
                Say("amateur", "Mm hm.", gap_ms=-1400, aside=True),
            ),
            summary="I cut the mud from the bass and moved the high-pass filter down, so the low notes are back. "
            "The bass and the kick still land on the same beats, and I am considering a compressor on one "
            "that listens to the other.",
            summary_model="demo",
        ),
        Exchange(
            (
                ask("Sorry, my dog wants to come in."),
                tell("Hello, dog. Take your time.", gap_ms=200),
                Note("off topic, nothing plays"),
            ),
            has_content=False,
            flag_note="off topic",
        ),
    ),
)

GUITARS = Topic(
    "guitars",
    (
        Exchange(
            (
                ask("Guitars. I doubled the part and left both in the middle."),
                Play("both guitars in the centre", ("guitars",), 8, at_beat=CHORUS, desk={"bass_duck_db": 2.5}),
                tell(
                    "Pan them hard, left and right. A double only works when each ear gets its own player.",
                    gap_ms=-2200,
                ),
            ),
            summary="Bass and kick get along now. I turned to the electric guitars: the same chords played twice, "
            "on two tracks, both panned to the centre. I hoped that the second take would make it bigger, "
            "but it only got louder.",
        ),
        Exchange(
            (
                Play("guitars panned hard", ("guitars",), 8, at_beat=CHORUS, desk={"guitar_width": 1.0}),
                ask("Wow, that's huge. A bit harsh, maybe?", gap_ms=-3300),
                tell("Maybe. Low-pass both at 7 kHz and dip 3 kHz a little. Leave the low mids alone.", gap_ms=150),
            ),
        ),
        Exchange(
            (
                Play(
                    "guitars panned hard, darker",
                    ("guitars",),
                    6,
                    at_beat=CHORUS + 4,
                    desk={"guitar_low_pass_hz": 7000.0, "guitar_bite_db": -2.0},
                ),
                tell("Good. Now take them down 1 dB, and the wall is still there.", gap_ms=-1500),
            ),
        ),
        Exchange(
            (
                ask("I'd love a long reverb on them."),
                Play("guitars with a long hall", (*DRUMS, "guitars"), 8, at_beat=CHORUS, desk={"guitar_hall_db": 0.0}),
                tell("I'd rather not. It pushes them behind the drums. Try a short delay on one side.", gap_ms=-2000),
            ),
            summary="The guitars are hard left and right now, and softer on top. They sound a little naked to me on "
            "their own, so I put a hall of four seconds on both and played it with the drums.",
        ),
        Exchange(
            (ask("Fair enough. Saving that."), tell("Mm hm.", gap_ms=100)),
            has_content=False,
        ),
    ),
)

KEYS = Topic(
    "keys",
    (
        Exchange(
            (
                ask("I lose the electric piano as soon as she sings."),
                Play(
                    "band with keys in the centre",
                    EVERYTHING,
                    8,
                    desk={"guitar_hall_db": -90.0, "guitar_delay": True, "guitar_db": -1.0},
                ),
                tell("They share the middle. Which hand matters more to you, left or right?", gap_ms=-1800),
            ),
            summary="The guitars got a short delay in place of the hall. Now I have trouble with the electric "
            "piano: it is clear on its own, but it disappears behind the singer in the verse. It is a "
            "single mono track, right up the centre.",
        ),
        Exchange(
            (
                Play("keys soloed, full range", ("keys",), 6),
                ask("The right hand. The left just doubles the bass.", gap_ms=-2500),
                tell("So high-pass the keys at 200. That octave belongs to the bass.", gap_ms=150),
            ),
        ),
        Exchange(
            (
                Play(
                    "keys high-passed, wide with a stereo tremolo",
                    ("keys",),
                    8,
                    at_beat=8,
                    desk={"keys_low_cut_hz": 200.0, "keys_width": 1.0},
                ),
                ask("And I made it wide with a stereo tremolo.", gap_ms=-3800),
                tell("Pretty. Now fold it to mono before you fall in love with it.", gap_ms=200),
            ),
            summary="The piano gave up its low octave to the bass, and I spread it to both sides with a slow "
            "tremolo. On headphones I like the movement a lot. I have not checked it anywhere else yet.",
        ),
        Exchange(
            (
                Play("band with wide keys, folded to mono", EVERYTHING, 6, desk={"mono": True}),
                ask("Mono. It's still there!", gap_ms=-2000),
                tell("Then it's safe. Keep it.", gap_ms=100),
            ),
        ),
        Exchange(
            (ask("One second, my screen froze."), tell("No rush.", gap_ms=200), Note("waiting for the computer")),
            has_content=False,
            flag_note="waiting",
        ),
    ),
)

VOCALS = Topic(
    "vocals",
    (
        Exchange(
            (
                ask("Here's the lead vocal. Gone in the verse, shouting in the chorus."),
                Play("vocal in the band, uneven", EVERYTHING, 8, at_beat=12, desk={"mono": False}),
                tell("Ride the fader first. Then the compressor has less to do.", gap_ms=-1600),
            ),
            summary="We widened the electric piano and it survived mono. I brought up the lead vocal, with nothing "
            "on it so far. She sings very softly at first and much louder later on, and no single level "
            "works for both.",
        ),
        Exchange(
            (
                Play("vocal soloed, ridden", ("vocal",), 8, at_beat=12, desk={"vocal_ride": True}),
                ask("I rode every phrase. It still jumps a bit.", gap_ms=-3200),
                tell("Then use two compressors in a row, 3 dB each. That's calmer than one doing 6.", gap_ms=150),
            ),
        ),
        Exchange(
            (
                ask("Which reverb? I've got a big hall on it."),
                Play(
                    "vocal in the band, big hall",
                    EVERYTHING,
                    8,
                    at_beat=8,
                    desk={"vocal_squeeze": True, "vocal_space": "hall"},
                ),
                tell("Too far away for words that close. A short plate, with 40 ms of pre-delay.", gap_ms=-1800),
            ),
            summary="After the fader rides and gentle compression in two stages, the vocal stays put. I wanted some "
            "space around her and loaded the largest hall that I own, and played it with the whole band.",
        ),
        Exchange(
            (
                Play("vocal in the band, short plate", EVERYTHING, 8, at_beat=8, desk={"vocal_space": "plate"}),
                tell("Now she's in front of the band, and there's still air around her.", gap_ms=-3200),
            ),
        ),
        Exchange(
            (ask("I got goosebumps."), tell("Good sign.", gap_ms=100)),
            has_content=False,
            same_clip=True,
        ),
    ),
)

MIX = Topic(
    "overall_mix",
    (
        Exchange(
            (
                ask("Okay, the whole thing, from the chorus."),
                Play("full mix, bass heavy", EVERYTHING, 8, at_beat=CHORUS, desk={"bass_db": 4.0}),
                tell("Lovely. The bottom is heavy, though. Your room lies to you. Bass down 4 dB.", gap_ms=-2300),
            ),
            summary="Every part has had its turn, the vocal last. I am playing the complete mix from the chorus for "
            "the first time. I mixed on small speakers in an untreated bedroom, and I turned a few things "
            "up after lunch.",
        ),
        Exchange(
            (
                ask("And a limiter, to make it loud? Without. And with."),
                Play("full mix, no limiter", EVERYTHING, 4, at_beat=CHORUS, gap_ms=-900, desk={"bass_db": 0.0}),
                Play("full mix, limiter pushed", EVERYTHING, 4, at_beat=CHORUS, gap_ms=0, desk={"limit_db": 9.0}),
                tell(
                    "Not yet. Listen to the snare: it's flat. Leave the peaks around minus 6 for mastering.",
                    gap_ms=-900,
                ),
            ),
            summary="The low end is under control. My mix sounds quiet beside released songs, so I tried a limiter "
            "on the master with a lot of gain. I am about to compare the mix with and without it.",
            summary_model="demo",
        ),
        Exchange(
            (
                ask("How do I know it's balanced?"),
                Play(
                    "full mix, very quiet", EVERYTHING, 8, at_beat=CHORUS, desk={"limit_db": 0.0, "monitor_db": -11.0}
                ),
                tell("Play it this quiet. If you still follow the voice and the snare, you're close.", gap_ms=-2600),
                Say("amateur", "Huh, I do.", gap_ms=-300, aside=True),
            ),
        ),
        Exchange(
            (
                ask("Next to my reference it's dull."),
                tell("Did you match the levels first? The louder one always wins.", gap_ms=150),
                ask("I did. Here's 2 dB of shelf on top.", gap_ms=150),
                Play("full mix, high shelf up", EVERYTHING, 8, at_beat=24, desk={"monitor_db": 0.0, "air_db": 3.5}),
                tell("Mm, mm, that opens it. I'd stop there.", gap_ms=-2200),
            ),
            summary="The balance holds up even when it is barely audible. Compared with a released song, mine is "
            "missing some sparkle. I am thinking of lifting the top on the master, and want to know if that "
            "is cheating.",
            expert_text="Did you match the levels first? The louder one always wins. That opens it. I'd stop there.",
        ),
        Exchange(
            (
                ask("Last pass."),
                Play("full mix, final", EVERYTHING, 12, at_beat=12, gap_ms=-200),
                tell("That's a record. Print it, sleep on it, and listen again tomorrow.", gap_ms=-3800),
            ),
        ),
        Exchange(
            (ask("Thank you so much. This was great."), tell("My pleasure. Bye, dog.", gap_ms=150)),
            has_content=False,
            flag_note="goodbye",
        ),
    ),
)

TOPICS = (DRUM_BALANCE, DRUM_BUS, BASS, GUITARS, KEYS, VOCALS, MIX)
