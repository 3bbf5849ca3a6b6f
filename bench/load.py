"""A running generator, and how much it has sent by when."""

import json
import subprocess
import sys
import threading
import time
from bisect import bisect_right

from bench.processes import ended
from provision.errors import ProvisionError


class Load:
    """`python -m bench.generator` at `rate` events/s (0: as many as the broker takes), until `stop`."""

    def __init__(self, port: int, topic: str, rate: float, *, qos: int = 0) -> None:
        self.rate = rate
        command = [sys.executable, "-m", "bench.generator", "--port", str(port), "--topic", topic, "--rate", str(rate)]
        command += ["--qos", str(qos)]
        self.began = time.time()
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._reports = [(self.began, 0.0)]
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            report = json.loads(line)
            self._reports.append((report["at"], report["sent"]))

    def sent_by(self, at: float) -> float:
        """Events sent until `at` (epoch seconds), interpolated between reports."""
        reports = self._reports[:]
        after = bisect_right(reports, (at, float("inf")))
        if after == len(reports):
            return reports[-1][1]
        (early, few), (late, many) = reports[after - 1 : after + 1] if after else reports[:2]
        return few + (many - few) * max(at - early, 0) / (late - early)

    @property
    def sent(self) -> int:
        return int(self._reports[-1][1])

    def check(self) -> None:
        """Raise `ProvisionError` if the generator has ended."""
        if self._process.poll() is not None:
            raise ProvisionError("the generator ended: the broker closed its connection or is gone")

    def stop(self) -> int:
        """End it; returns how many events it sent."""
        ended(self._process)
        self._reader.join()
        assert self._process.stdout
        self._process.stdout.close()
        return self.sent
