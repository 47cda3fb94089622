"""Train one adapter in a process of its own: `python -m modeling.training REQUEST.json`.

The request:

    {"base": {"kind": "tiny" | "qwen2_audio",   # picks the preset of config.py; a missing "tiny" folder is made
              "key": "tiny",                    # the name that goes into adapter_config.json and training.json
              "path": "/…/bases/tiny",          # a checkpoint directory, or a hub id such as Qwen/Qwen2-Audio-7B-Instruct
              "revision": null},                # a hub revision; null for a directory
     "snapshot": "/…/snapshots/12",             # holds data/, turns/, audio/ and manifest.json
     "config": {"learning_rate": 0.003},        # whatever differs from the preset; an unknown key is refused
     "out": "/…/runs/7/attempt-2",              # the result's folder; checkpoints lie under out/checkpoints
     "resume_from": ["/…/runs/7/attempt-1"]}    # folders searched, with out, for the newest complete checkpoint

Standard output holds one JSON object a line and nothing else; the log is on standard error:

    {"event": "started",    "pid", "config_hash", "snapshot_hash", "base"}
    {"event": "loaded",     "base_revision", "device", "dtype", "parameters", "trainable", "seconds"}
    {"event": "cached",     "examples", "validation", "skipped": {reason: n}, "clips", "audio_cut", "history_cut",
                            "tokens", "answer_tokens", "seconds"}
    {"event": "resumed",    "step", "checkpoint"}                                     # only when a checkpoint was found
    {"event": "step",       "step", "steps", "epoch", "loss", "lr", "grad_norm", "tokens", "answer_tokens", "seconds"}
    {"event": "eval",       "step", "loss", "answer_tokens"}
    {"event": "checkpoint", "step", "path"}
    {"event": "saved",      "adapter", "record", "adapter_sha256", "steps", "first_loss", "last_loss", "eval_loss", "seconds"}
    {"event": "stopped",    "step", "checkpoint"}                                     # SIGTERM was heeded
    {"event": "error",      "code", "message"}                                        # a sentence a person can act on

Exit codes: 0 saved · 1 error · 2 wrong usage · 3 stopped at a checkpoint after SIGTERM · 4 the parent is gone.
SIGTERM stops at the next optimizer step. When standard input is a pipe, its end means that the parent died, and
this process ends at once; so a parent holds the pipe open and writes nothing to it.

The result: out/adapter/{adapter_model.safetensors, adapter_config.json} and out/training.json, each written beside
and renamed. On one machine type the adapter's bytes depend on the request's content alone, never on its paths, and
not on how often the run was stopped, killed and resumed.
"""
