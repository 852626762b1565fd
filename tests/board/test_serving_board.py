"""The board as a process: it says where it is, answers there, and Ctrl-C ends it, also with a page open."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_a_page_open(tmp_path, how):
    words = [
        "runs",
        "board",
        "--port",
        "0",
        "--runs",
        str(tmp_path),
        "--registry",
        str(tmp_path / "registry"),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "fraudlab", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as board:
        try:
            line = board.stdout.readline()
            address = re.fullmatch(r"board: (http://127\.0\.0\.1:\d+/) shows .*; Ctrl-C stops it\n", line)[1]
            with urllib.request.urlopen(address, timeout=60) as page:
                assert "There is no run yet" in page.read().decode()
            stranger = urllib.request.Request(address, headers={"Host": "evil.example"})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(stranger, timeout=60)
            assert refused.value.code == 421
            refused.value.close()
            with urllib.request.urlopen(f"{address}events", timeout=60) as events:
                assert events.readline() == b"event: changed\n"
                board.send_signal(how)
                _, errors = board.communicate(timeout=60)
        finally:
            board.kill()
    assert errors == ""
    assert board.returncode == (0 if how is signal.SIGINT else -signal.SIGTERM)
