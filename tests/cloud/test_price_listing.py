"""`fraudlab cloud prices` as it is called, against a loopback that answers as the Pricing API does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.plan.test_live_prices import ONE_TYPE, product, tier

from fraudlab.cli import main

REGION = ["--region", "eu-west-1"]
DENIED = {
    "__type": "AccessDeniedException",
    "message": "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: pricing:GetProducts",
}


class PricingApi(BaseHTTPRequestHandler):
    """A product per page, of the region that is asked for."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.headers["X-Amz-Target"], body))
        region = {one["Field"]: one["Value"] for one in body["Filters"]}["regionCode"]
        found = [one for one in self.server.products if one["product"]["attributes"]["regionCode"] == region]
        page = int(body.get("NextToken", "0"))
        answer = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in found[page : page + 1]]}
        if page + 1 < len(found):
            answer["NextToken"] = str(page + 1)
        status, answer = self.server.refusal or (200, answer)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def api(no_own_defaults, monkeypatch):
    """The API, and an account that is sent there; everything else is not there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), PricingApi)
    server.asked, server.products, server.refusal = [], list(ONE_TYPE), None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings = {
        "ENDPOINT_URL_PRICING": f"http://127.0.0.1:{server.server_port}",
        "ACCESS_KEY_ID": "testing",
        "SECRET_ACCESS_KEY": "testing",
        "EC2_METADATA_DISABLED": "true",
        "CONFIG_FILE": "/nonexistent",
        "SHARED_CREDENTIALS_FILE": "/nonexistent",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def prices(capsys, *words):
    code = main(["cloud", "prices", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def line_of(out, name):
    return next(line for line in out.splitlines() if line.startswith(name)).split()


def test_the_table_says_what_is_known_with_its_date_and_where_it_is_from(api, capsys):
    code, out, err = prices(capsys, *REGION)
    assert (code, err, api.asked) == (0, "", [])
    assert out.splitlines()[0] == "eu-west-1: US dollars per hour, list price, before discounts and tax"
    assert out.splitlines()[1].split() == ["processing", "training", "transform", "hosting"]
    assert line_of(out, "ml.m5.xlarge") == ["ml.m5.xlarge", *["0.2570"] * 4, "read,", "2023-12"]
    assert line_of(out, "ml.m5.2xlarge")[5] == "derived,"
    assert line_of(out, "ml.t3.medium")[3:5] == ["-", "-"]
    assert line_of(out, "volume") == [
        "volume,", "GB-month", "0.1100", "0.1540", "-", "0.1540", "read,", "2023-12",
    ]  # fmt: skip
    for meaning in ("read: read in a public table", "derived: derived from EC2's price", "-: not known"):
        assert f"\n{meaning}" in out


def test_without_a_region_all_that_are_known_are_printed(api, capsys):
    code, out, _ = prices(capsys)
    heads = [line.partition(":")[0] for line in out.splitlines() if "US dollars per hour" in line]
    assert (code, heads[0], len(heads)) == (0, "ap-northeast-1", 7)


def test_the_region_is_that_of_the_configuration(api, capsys, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    assert prices(capsys)[1].startswith("us-east-2:")
    assert prices(capsys, "sagemaker.region=us-west-2")[1].startswith("us-west-2:")
    assert prices(capsys, "--region", "eu-west-1")[1].startswith("eu-west-1:")


def test_a_region_that_is_not_known_has_no_figure(api, capsys):
    code, out, _ = prices(capsys, "--region", "sa-east-1")
    assert code == 0
    assert out.startswith("no prices of sa-east-1 are known, only of ap-northeast-1, ")
    assert out.endswith("fraudlab cloud prices --region sa-east-1 --refresh\n")
    assert json.loads(prices(capsys, "--region", "sa-east-1", "--json")[1])["prices"] == []


def test_refreshed_prices_are_kept_and_plans_reckon_with_them(api, capsys):
    code, out, err = prices(capsys, *REGION, "--refresh")
    assert code == 0
    assert "asked AWS, and wrote its prices to" in err
    assert {target for target, _ in api.asked} == {"AWSPriceListService.GetProducts"}
    assert len(api.asked) == len(ONE_TYPE)  # a page for each
    name, *figures, kind, date = line_of(out, "ml.m5.xlarge")
    assert (name, figures, kind) == ("ml.m5.xlarge", ["0.2570", "0.2580", "0.2590", "0.2600"], "live,")
    assert line_of(out, "ml.m5.2xlarge")[5] == "derived,"  # AWS did not say
    api.asked.clear()
    assert line_of(prices(capsys, *REGION)[1], "ml.m5.xlarge")[-1] == date
    assert main(["plan", "backend=sagemaker", "sagemaker.region=eu-west-1"]) == 0
    assert f"from the Pricing API on {date}" in capsys.readouterr().out
    assert api.asked == []


def test_a_region_that_the_package_does_not_have_can_be_asked_for(api, capsys):
    api.products = [product("SAE1-Train:ml.m5.xlarge", tier("0.367"), region="sa-east-1")]
    code, out, _ = prices(capsys, "--region", "sa-east-1", "--refresh")
    assert code == 0
    assert line_of(out, "ml.m5.xlarge")[1:5] == ["-", "0.3670", "-", "-"]


@pytest.mark.parametrize("first", [[], [[*REGION, "--refresh"]]])
def test_a_missing_permission_is_said_and_the_table_is_kept(api, capsys, first):
    for words in first:
        prices(capsys, *words)
    before = prices(capsys, *REGION)[1]
    api.refusal = (400, DENIED)
    code, out, err = prices(capsys, *REGION, "--refresh")
    assert (code, out) == (4, before)
    assert "the AWS identity may not pricing:GetProducts" in err
    assert "nothing was changed" in err
    assert prices(capsys, *REGION)[1] == before


def test_no_credentials_are_said_and_the_table_is_printed(api, capsys, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    code, out, err = prices(capsys, *REGION, "--refresh")
    assert code == 4
    assert "credentials" in err
    assert line_of(out, "ml.m5.xlarge")[5] == "read,"
    assert api.asked == []


def test_the_json_has_the_source_of_each_figure(api, capsys):
    answer = json.loads(prices(capsys, *REGION, "--json")[1])
    assert (answer["region"], answer["currency"], answer["error"]) == ("eu-west-1", "USD", None)
    assert len(answer["known_regions"]) == 7
    for row in answer["prices"]:
        assert set(row) == {
            "region", "component", "instance_type", "unit", "usd", "kind", "date", "source",
        }  # fmt: skip
        assert row["source"]
    api.refusal = (400, DENIED)
    code, out, _ = prices(capsys, *REGION, "--json", "--refresh")
    refused = json.loads(out)
    assert (code, refused["error"]["exit_code"], refused["prices"]) == (4, 4, answer["prices"])


@pytest.mark.parametrize("region", ["../../x", "eu-west", "EU-WEST-1", "", "eu-west-1/x", "*"])
def test_what_is_no_region_is_refused(api, capsys, region):
    code, _, err = prices(capsys, "--region", region, "--refresh")
    assert code == 2
    assert "sagemaker.region" in err or "--region" in err
    assert api.asked == []
    assert not Path("runs").exists()


def test_asking_needs_a_region(api, capsys):
    code, _, err = prices(capsys, "--refresh")
    assert (code, api.asked) == (2, [])
    assert "fix: add --region REGION" in err


@pytest.mark.parametrize("damage", ["{", "[]", '[{"usd": 1}]', '[{"region": "eu-west-1", "usd": -1}]', ""])
def test_a_damaged_file_in_the_cache_counts_for_nothing(api, capsys, damage):
    before = prices(capsys, *REGION)[1]
    prices(capsys, *REGION, "--refresh")
    (file,) = Path("runs/.cache/prices").glob("*.json")
    file.write_text(damage)
    assert prices(capsys, *REGION)[1] == before
