"""Write candidates in a process of its own: `python -m modeling.generation REQUEST.json`.

The request:

    {"base": {"kind": "tiny" | "qwen2_audio", "key": "tiny", "path": "/…/bases/tiny", "revision": null},
     "snapshot": "/…/snapshots/12", "split": "test",
     "rows": null,                                     # or a list of row keys "test/<conversation_id>/<turn_id>"
     "sources": [{"key": "base"},                      # no adapter: the zero-shot base
                 {"key": "adapter-7", "adapter": "/…/runs/7/attempt-1/adapter"}],
     "config": {"max_new_tokens": 128, "candidates": 1, "temperature": 0.0, "top_p": 1.0, "seed": 0},
     "skip": [["test/c1/2", "base", 0]]}               # row, source key, index: what the parent has already

In place of snapshot, split and rows it may bring its own examples, answered in the same way:

     "examples": [{"row": "ask/1", "audio": "/…/clip.wav" | null, "user": "Is the kick too loud?" | null,
                   "history": [{"role": "user" | "assistant", "content": "…"}], "summary": "…" | null}]

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "started",   "pid", "config_hash", "base"}
    {"event": "loaded",    "base_revision", "device", "dtype", "seconds"}
    {"event": "planned",   "candidates", "rows", "refused": [{"row", "code", "message"}]}
    {"event": "candidate", "row", "source", "index", "text", "tokens", "stop": "end" | "length", "seed", "flags": […],
                           "prompt_tokens", "prompt_sha256", "latency_ms", "base_revision", "adapter_sha256": … | null,
                           "audio_kept": "whole" | "tail" | "head" | null, "config_hash"}
    {"event": "done",      "candidates", "seconds"}
    {"event": "stopped",   "candidates"}                                             # SIGTERM was heeded
    {"event": "error",     "code", "message"}

Flags: empty, max-length, repeats, prompt-echo, placeholder. Candidates come as they are made, batch by batch, so a parent
stores each line at once and names what it has in `skip` when it starts again. `seed` depends on the request's seed, row
and index alone: the same question gets the same luck from every source.

Exit codes: 0 done · 1 error · 2 wrong usage · 3 stopped after SIGTERM · 4 the parent is gone (see modeling.training).
"""
