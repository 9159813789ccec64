//! What replicas cost, read from a strict fake of EC2, ECS and the Price List Query API, written from AWS's documentation.
//! **Unverified against AWS.**

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use weescale::execution::Provider;
use weescale::execution::providers::aws::{
    EcsServices, FargatePrices, InstancePrices, ScalingGroups, region_of_lists,
};
use weescale::execution::providers::contract::WorkloadState;
use weescale::scrape::aws::AwsClient;

use super::fake::{client, http, serve, signed};

const REGION: &str = "eu-west-1";

/// Answers by action; what was asked for.
#[derive(Clone)]
struct Account {
    addr: SocketAddr,
    /// Whether prices may be read.
    allowed: bool,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Account {
    fn start(allowed: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let account = Self { addr: listener.local_addr().unwrap(), allowed, asked: Arc::default() };
        serve(listener, &account, Self::serve);
        account
    }

    fn serve(&self, mut stream: TcpStream) {
        if let Some((head, body)) = signed(&mut stream) {
            let _ = stream.write_all(self.answer(&head, &body).as_bytes());
        }
    }

    fn client(&self, region: &str) -> AwsClient {
        client(self.addr, region)
    }

    fn lists(&self) -> AwsClient {
        self.client(region_of_lists(REGION).unwrap())
    }

    /// The group and, once prices were looked up, the group again.
    async fn group(&self) -> (WorkloadState, WorkloadState, Vec<String>) {
        let prices = InstancePrices::new(self.client(REGION), self.lists());
        let groups = ScalingGroups::new(self.client(REGION)).priced(prices);
        let first = groups.list().await.unwrap().workloads.remove(0);
        groups.settled().await;
        let second = groups.list().await.unwrap().workloads.remove(0);
        (first, second, groups.gaps().take())
    }

    fn answer(&self, head: &str, body: &str) -> String {
        let target = head.lines().find_map(|l| l.strip_prefix("x-amz-target: "));
        let scope = |service: &str, region: &str| {
            assert!(head.contains(&format!("/{region}/{service}/aws4_request")), "{head}");
        };
        if let Some(target) = target {
            let asked: Value = serde_json::from_str(body).unwrap();
            let action = target.rsplit('.').next().unwrap();
            self.asked.lock().unwrap().push(action.to_owned());
            if action == "getproducts" {
                scope("pricing", "eu-central-1");
                return if self.allowed { json_ok(&products(&asked)) } else { denied() };
            }
            return json_ok(&ecs(action));
        }
        let action = body.split('&').find_map(|p| p.strip_prefix("Action=")).unwrap();
        self.asked.lock().unwrap().push(action.to_owned());
        match action {
            "DescribeInstances" => {
                scope("ec2", REGION);
                assert!(body.contains("Filter.1.Value.1=aws%3Aautoscaling%3AgroupName"), "{body}");
                xml(&instances())
            }
            "DescribeSpotPriceHistory" => {
                scope("ec2", REGION);
                assert!(body.contains("InstanceType.1=m5.large") && body.contains("StartTime=20"), "{body}");
                xml(SPOT)
            }
            "DescribeAutoScalingGroups" => xml(&group()),
            _ => xml(&format!("<{action}Response><{action}Result/></{action}Response>")),
        }
    }
}

fn group() -> String {
    let instance = |id: &str| {
        format!(
            "<member><InstanceId>{id}</InstanceId><LifecycleState>InService</LifecycleState>\
             <HealthStatus>Healthy</HealthStatus></member>"
        )
    };
    format!(
        "<R><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName>\
         <AutoScalingGroupARN>arn:aws:autoscaling:{REGION}:1:autoScalingGroup:u:autoScalingGroupName/web</AutoScalingGroupARN>\
         <MinSize>1</MinSize><MaxSize>9</MaxSize><DesiredCapacity>2</DesiredCapacity><Instances>{}{}</Instances></member>\
         </AutoScalingGroups></DescribeAutoScalingGroupsResult></R>",
        instance("i-1"),
        instance("i-2")
    )
}

fn instances() -> String {
    let instance = |id: &str, more: &str| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceType>m5.large</instanceType><placement>\
             <availabilityZone>eu-west-1b</availabilityZone><tenancy>default</tenancy></placement>{more}\
             <platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation></item>"
        )
    };
    format!(
        "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet><item><instancesSet>{}{}\
         </instancesSet></item></reservationSet></DescribeInstancesResponse>",
        instance("i-1", ""),
        instance("i-2", "<instanceLifecycle>spot</instanceLifecycle>")
    )
}

const SPOT: &str = "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet><item><instanceType>m5.large</instanceType>\
    <productDescription>Linux/UNIX</productDescription><spotPrice>0.041000</spotPrice><timestamp>2026-11-30T12:00:00.000Z</timestamp>\
    <availabilityZone>eu-west-1b</availabilityZone></item></spotPriceHistorySet></DescribeSpotPriceHistoryResponse>";

/// What a list has, whatever the filters: the reader has to look itself.
fn products(asked: &Value) -> Value {
    let filter = |field: &str| {
        let all = asked["Filters"].as_array().unwrap();
        all.iter().find(|f| f["Field"] == field).map(|f| f["Value"].clone())
    };
    assert_eq!(filter("regionCode"), Some(json!(REGION)));
    let product = |attributes: Value, unit: &str, price: &str| {
        let mut attributes = attributes;
        attributes["regionCode"] = json!(REGION);
        let rate =
            json!({ "unit": unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": { "USD": price } });
        json!({ "product": { "attributes": attributes }, "serviceCode": asked["ServiceCode"],
            "terms": { "OnDemand": { "S.T": { "priceDimensions": { "S.T.R": rate } } } } })
        .to_string()
    };
    let usage = |name: &str, price: &str| product(json!({ "usagetype": name }), "hours", price);
    if asked["ServiceCode"] == "AmazonECS" {
        let list = [usage("EUW1-Fargate-vCPU-Hours:perCPU", "0.04"), usage("EUW1-Fargate-GB-Hours", "0.004")];
        // On two pages.
        return match asked["NextToken"].as_str() {
            None => json!({ "FormatVersion": "aws_v1", "PriceList": [list[0]], "NextToken": "two" }),
            Some(_) => json!({ "FormatVersion": "aws_v1", "PriceList": [list[1]] }),
        };
    }
    assert_eq!(filter("operation"), Some(json!("RunInstances")));
    let instance = |kind: &str, operation: &str, price: &str| {
        let attributes = json!({ "instanceType": kind, "operation": operation, "tenancy": "Shared",
            "capacitystatus": "Used", "marketoption": "OnDemand" });
        product(attributes, "Hrs", price)
    };
    json!({ "FormatVersion": "aws_v1", "PriceList": [instance("m5.large", "RunInstances", "0.1070000000"),
        instance("m5.xlarge", "RunInstances", "0.2140000000"), instance("m5.large", "RunInstances:0002", "0.1990000000")] })
}

/// A cluster with one service of two tasks, half a processor and 1 GiB each.
fn ecs(action: &str) -> Value {
    let arn = format!("arn:aws:ecs:{REGION}:1:service/prod/web");
    let task = |id: &str| {
        json!({ "taskArn": format!("arn:aws:ecs:{REGION}:1:task/prod/{id}"), "group": "service:web", "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING", "createdAt": 1_700_000_000.5, "launchType": "FARGATE", "platformFamily": "Linux",
            "cpu": "512", "memory": "1024" })
    };
    match action {
        "listclusters" => json!({ "clusterArns": ["prod"] }),
        "listservices" => json!({ "serviceArns": [arn] }),
        "describeservices" => {
            json!({ "services": [{ "serviceArn": arn, "status": "ACTIVE", "desiredCount": 2,
            "runningCount": 2, "createdAt": 1_700_000_000.0 }] })
        }
        "listtasks" => json!({ "taskArns": ["a", "b"] }),
        "describetasks" => json!({ "tasks": [task("a"), task("b")] }),
        _ => json!({ "ScalableTargets": [], "ScalingPolicies": [], "ScheduledActions": [] }),
    }
}

fn json_ok(body: &Value) -> String {
    http("200 OK", "application/x-amz-json-1.1", &body.to_string())
}

fn denied() -> String {
    let why = json!({ "__type": "AccessDeniedException", "Message": "User: x is not authorized to perform: pricing:GetProducts" });
    http("400 Bad Request", "application/x-amz-json-1.1", &why.to_string())
}

fn xml(body: &str) -> String {
    http("200 OK", "text/xml", body)
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_cost_what_the_lists_say_of_them() {
    let account = Account::start(true);
    let (first, second, gaps) = account.group().await;
    assert_eq!(first.dollars_per_hour, None, "listing waits for no price");
    // One on demand at 0.107, one on Spot at 0.041.
    assert!((second.dollars_per_hour.unwrap() - 0.074).abs() < 1e-9, "{:?}", second.dollars_per_hour);
    assert!(gaps.is_empty(), "{gaps:?}");
    let asked = account.asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|a| *a == "getproducts").count(), 1, "once for its kind: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_that_may_not_be_read_are_none_and_said() {
    let (_, group, gaps) = Account::start(false).group().await;
    assert_eq!(group.dollars_per_hour, None);
    assert_eq!(group.fields.replicas, Some(2), "everything else goes on");
    let told = gaps
        .iter()
        .any(|g| g.contains("prices in eu-west-1 are unknown") && g.contains("allow pricing:GetProducts"));
    assert!(told, "{gaps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fargate_costs_processors_and_memory() {
    let account = Account::start(true);
    let prices = FargatePrices::new(REGION, account.lists());
    let services = EcsServices::new(account.client(REGION)).priced(prices);
    assert_eq!(services.list().await.unwrap().workloads[0].dollars_per_hour, None);
    services.settled().await;
    let web = services.list().await.unwrap().workloads.remove(0);
    // Half a processor at 0.04 and 1 GiB at 0.004.
    assert!(
        (web.dollars_per_hour.unwrap() - 0.024).abs() < 1e-9,
        "{:?} {:?}",
        web.dollars_per_hour,
        services.gaps().take()
    );
    let alone = services.read(&web.uid).await.unwrap();
    assert_eq!(alone.dollars_per_hour, web.dollars_per_hour, "read alone as in the list");
}
