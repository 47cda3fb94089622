"""A child that does what its request says, and no more: count steps, save when asked to stop, die."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path


def main(request: dict) -> int:
    stop = threading.Event()
    if not request.get("deaf"):
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(4)), daemon=True).start()
    (Path(request["folder"]) / f"pid-{request['fence']}").write_text(str(os.getpid()))
    print(request.get("noise", ""), flush=True)
    if request.get("complaint"):
        say(event="error", code="too-loud", message=request["complaint"])
        return 1
    for step in range(1, request.get("steps", 3) + 1):
        if stop.is_set():
            (Path(request["folder"]) / f"saved-{request['fence']}").touch()
            say(event="stopped", step=step)
            return 3
        say(event="step", step=step, steps=request.get("steps", 3))
        if step in request.get("checkpoints", ()):
            say(event="checkpoint", step=step)
        if step == request.get("die_at") and request["fence"] <= request.get("die_until", 10**6):
            print("no more memory", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(request.get("seconds", 0))
    return 0


def say(**event) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text())))
