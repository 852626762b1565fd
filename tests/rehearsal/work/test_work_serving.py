"""Batch transform and endpoints that a rehearsal really runs."""

import threading

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

ROWS = ["7,0.1,0.2,0.3,0.4", "8,-1.5,0.2,2.5,0.1", "9,0.0,1.0,0.0,-1.0"]


@pytest.fixture(scope="module")
def served_model(cloud, label_first):
    """The name of a model that a training job has made, and the request that made it."""
    given = {part: cloud.put(f"serve/{part}", {"part.csv": text}) for part, text in label_first.items()}
    trained = cloud.train("serve", given)
    data = cloud.trained("serve")["ModelArtifacts"]["S3ModelArtifacts"]
    image, role = trained["AlgorithmSpecification"]["TrainingImage"], trained["RoleArn"]
    cloud.sagemaker.create_model(
        ModelName="served",
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": image, "ModelDataUrl": data},
        EnableNetworkIsolation=True,
    )
    return "served"


def config(cloud, name, model, **more):
    variant = {"VariantName": "AllTraffic", "ModelName": model, "InstanceType": "ml.m5.large", **more}
    variant = {"InitialInstanceCount": 1, **variant}
    cloud.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def state(cloud, name, *wanted):
    return cloud.until(
        lambda: cloud.sagemaker.describe_endpoint(EndpointName=name),
        status="EndpointStatus",
        wanted=set(wanted),
    )


def ask(cloud, name, body):
    answer = cloud.runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=body)
    return answer["Body"].read()


def test_transform_filters_joins_and_answers_row_by_row(cloud, served_model):
    source = cloud.put("rows", {"a/one.csv": "\n".join(ROWS), "two.csv": ROWS[0] + "\n"})
    cloud.sagemaker.create_transform_job(
        TransformJobName="x1",
        ModelName=served_model,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": source.replace("rows", "x1"),
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    found = cloud.transformed("x1")
    assert found["TransformJobStatus"] == "Completed", (found, cloud.lines("TransformJobs", "x1/"))
    assert cloud.keys("x1/") == ["a/one.csv.out", "two.csv.out"]
    rows = [line.split(",") for line in cloud.get("x1/a/one.csv.out").decode().splitlines()]
    assert [row[0] for row in rows] == ["7", "8", "9"]
    assert all(0 <= float(row[1]) <= 1 for row in rows)


def test_an_endpoint_answers_is_replaced_without_a_lost_request_and_goes(cloud, served_model):
    config(cloud, "e-one", served_model)
    config(cloud, "e-two", served_model, InitialInstanceCount=2)
    cloud.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="e-one")
    assert state(cloud, "e", "InService", "Failed")["EndpointStatus"] == "InService"
    row = ROWS[0].partition(",")[2]
    first = ask(cloud, "e", row)
    with pytest.raises(cloud.runtime.exceptions.ModelError) as refused:
        ask(cloud, "e", "1,2")
    assert 400 <= refused.value.response["OriginalStatusCode"] < 500
    ended, answers, lost = threading.Event(), set(), []

    def go_on():
        while not ended.is_set():
            try:
                answers.add(ask(cloud, "e", row))
            except Exception as error:  # noqa: BLE001  (whatever it is, a request was lost)
                lost.append(error)

    asking = threading.Thread(target=go_on)
    asking.start()
    try:
        cloud.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="e-two")
        found = state(cloud, "e", "InService", "Failed")
    finally:
        ended.set()
        asking.join()
    assert found["EndpointConfigName"] == "e-two"
    assert (answers, lost) == ({first}, [])
    cloud.sagemaker.delete_endpoint(EndpointName="e")


def test_an_endpoint_that_nobody_hears_fails(cloud, served_model):
    cloud.parts._faults.names |= {"endpoint_unhealthy"}
    config(cloud, "sick", served_model)
    cloud.sagemaker.create_endpoint(EndpointName="sick", EndpointConfigName="sick")
    reason = state(cloud, "sick", "InService", "Failed")["FailureReason"]
    assert reason == (
        "The primary container for production variant AllTraffic did not pass the ping health check."
        " Please check CloudWatch logs for this endpoint."
    )
    cloud.sagemaker.delete_endpoint(EndpointName="sick")
