"""K = 4 candidates per turn: the prompt read once and its cache repeated, against `num_return_sequences` (gate G4).

Each arm runs in a process of its own, in turn, for three rounds; the least CPU seconds count, one thread. The model is
a random Qwen2-Audio of an eighth of the 7B's width; the greedy tokens of both must be the same.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Figure, Recordings

ROUNDS, TURNS, NEW_TOKENS, K = 3, 2, 32, 4
ARMS_OF_IT = ("ours", "num_return_sequences")


def candidates_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Least of three interleaved rounds of each arm, and whether their greedy tokens agree."""
    told: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS_OF_IT}
    for _ in range(ROUNDS):
        for arm in ARMS_OF_IT:
            command = [sys.executable, "-m", "bench.candidates", arm]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            told[arm].append(json.loads(done.stdout.splitlines()[-1]))
    ours, theirs = (min(one["seconds"] for one in told[arm]) for arm in ARMS_OF_IT)
    same = all(one["greedy"] == told["ours"][0]["greedy"] for arm in told.values() for one in arm)
    return [
        Figure("4 candidates a turn, CPU", ours / TURNS, "s", None, "num_return_sequences=4", ours / theirs),
        Figure("… times less than num_return_sequences", theirs / ours, "×", 2.0, at_least=True),
        Figure("… greedy tokens identical", float(same), "", 1.0, at_least=True),
    ]


def middling(folder: Path) -> Any:
    """A Qwen2-Audio of an eighth of the 7B's width, random, with the miniature's words."""
    import torch
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2Config
    from transformers.models.qwen2_audio.configuration_qwen2_audio import Qwen2AudioEncoderConfig

    from modeling.backbones import audio_lm, tiny

    lm = audio_lm.load(tiny.make(folder / "tiny"), device="cpu", dtype="float32")
    text = Qwen2Config(
        vocab_size=lm.model.config.text_config.vocab_size, hidden_size=512, intermediate_size=1376,
        num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=8, max_position_embeddings=8192,
        tie_word_embeddings=False,
    )  # fmt: skip
    audio = Qwen2AudioEncoderConfig(
        d_model=160, encoder_layers=6, encoder_attention_heads=4, encoder_ffn_dim=640, num_mel_bins=128,
        max_source_positions=1500,
    )  # fmt: skip
    config = Qwen2AudioConfig(audio_config=audio, text_config=text, audio_token_index=lm.model.config.audio_token_index)
    torch.manual_seed(0)
    model: Any = Qwen2AudioForConditionalGeneration(config).eval()
    model.generation_config.pad_token_id = lm.model.generation_config.pad_token_id
    model.generation_config.eos_token_id = None  # every answer has its full length: equal work
    lm.model = model
    return lm


def run(arm: str, folder: Path) -> dict[str, Any]:
    """Answer the turns with one arm; CPU seconds, and the greedy tokens of each turn."""
    import numpy as np
    import soundfile
    import torch

    from modeling.backbones.audio_lm import AudioLM
    from modeling.backbones.example import Example, Message
    from modeling.generation import decode

    torch.set_num_threads(1)
    lm = middling(folder)
    AudioLM.stop_ids = (-1,)  # type: ignore[assignment]
    rng = np.random.default_rng(0)
    history = tuple(
        Message("user" if n % 2 == 0 else "assistant", "Cut a little of the bass there. " * 3) for n in range(4)
    )
    examples = []
    for turn in range(TURNS):
        path = folder / f"{turn}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(16_000 * (10 + turn)), 16_000)
        examples.append(Example(row=f"bench/{turn}", history=history, user="Is it muddy?", audio=path))
    encoded = [lm.encode(example, with_answer=False) for example in examples]
    options = {"max_new_tokens": NEW_TOKENS, "pad_token_id": 0}

    def theirs(one: Any, **more: Any) -> Any:
        ids = one.input_ids[None]
        with torch.no_grad():
            whole = lm.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), **one.features, **options, **more
            )
        return whole[:, ids.shape[1] :]

    config = decode.DecodeConfig(max_new_tokens=NEW_TOKENS, candidates=K, temperature=0.7, redraw=False)
    greedy_config = decode.DecodeConfig(max_new_tokens=NEW_TOKENS)
    sources = decode.Sources(lm, [decode.Source("base")])

    def ours(how: Any) -> list[Any]:
        prompts, _ = decode.prepare(lm, examples, how)
        wanted = [decode.Wanted(prompt, "base", tuple(range(how.candidates))) for prompt in prompts]
        return [answer for one in wanted for answer in decode.answer(sources, [one], how) or []]

    theirs(encoded[0], do_sample=False)  # warm both
    began = time.process_time()
    if arm == "ours":
        ours(config)  # one turn at a time, as the other arm; hearing the clip is counted
    else:
        for one in encoded:
            theirs(one, do_sample=True, temperature=0.7, top_k=0, num_return_sequences=K)
    seconds = time.process_time() - began
    if arm == "ours":
        greedy = [list(one.ids) for one in ours(greedy_config)]
    else:
        greedy = [theirs(one, do_sample=False)[0].tolist() for one in encoded]
    return {"seconds": seconds, "greedy": greedy}


ARMS = {"candidates": candidates_arm}

if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(run(sys.argv[1], Path(name))))
