use super::*;
use crate::execution::providers::aws::prices::tests::client;

/// As the EC2 API reference shows it.
const INSTANCES: &str = r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>
  <reservationSet><item><reservationId>r-1</reservationId><ownerId>1</ownerId><groupSet/><instancesSet>
    <item><instanceId>i-1</instanceId><imageId>ami</imageId><instanceState><code>16</code><name>running</name></instanceState>
      <instanceType>m5.large</instanceType><placement><availabilityZone>eu-west-1a</availabilityZone><groupName/>
      <tenancy>default</tenancy></placement><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation>
      <tagSet><item><key>Name</key><value>web</value></item></tagSet></item>
    <item><instanceId>i-2</instanceId><instanceType>m5.large</instanceType><placement>
      <availabilityZone>eu-west-1b</availabilityZone><tenancy>default</tenancy></placement>
      <instanceLifecycle>spot</instanceLifecycle><platformDetails>Linux/UNIX</platformDetails>
      <usageOperation>RunInstances</usageOperation></item>
  </instancesSet></item><item><instancesSet><item><instanceId>i-3</instanceId><instanceType>c5.large</instanceType>
      <placement><tenancy>host</tenancy></placement><usageOperation>RunInstances</usageOperation></item></instancesSet></item>
  </reservationSet><nextToken>more</nextToken></DescribeInstancesResponse>"#;

const SPOT: &str = r#"<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><spotPriceHistorySet>
  <item><instanceType>m5.large</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>0.050000</spotPrice>
    <timestamp>2026-11-30T10:00:00.000Z</timestamp><availabilityZone>eu-west-1b</availabilityZone></item>
  <item><instanceType>m5.large</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>0.040000</spotPrice>
    <timestamp>2026-11-30T12:00:00.000Z</timestamp><availabilityZone>eu-west-1b</availabilityZone></item>
  <item><instanceType>m5.large</instanceType><productDescription>Windows</productDescription><spotPrice>0.200000</spotPrice>
    <timestamp>2026-11-30T12:00:00.000Z</timestamp><availabilityZone>eu-west-1b</availabilityZone></item>
  <item><instanceType>m5.large</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>free</spotPrice>
    <timestamp>2026-11-30T13:00:00.000Z</timestamp><availabilityZone>eu-west-1b</availabilityZone></item>
  </spotPriceHistorySet><nextToken/></DescribeSpotPriceHistoryResponse>"#;

fn instances() -> Vec<Instance> {
    let page: Reservations = quick_xml::de::from_str(INSTANCES).unwrap();
    assert_eq!(page.next_token.as_deref(), Some("more"));
    page.reservation_set.item.into_iter().flat_map(|r| r.instances_set.item).collect()
}

#[test]
fn instances_are_what_the_lists_know_them_as() {
    let found = instances();
    let listed: Vec<Option<Kind>> = found.iter().map(kind).collect();
    let linux = Some(("m5.large".to_owned(), "RunInstances".to_owned(), "Shared"));
    assert_eq!(listed, [linux.clone(), linux, None], "a host is paid for by itself");
    assert_eq!(found[1].lifecycle, "spot");
    let odd = |change: fn(&mut Instance)| {
        let mut one = found[0].clone();
        change(&mut one);
        kind(&one)
    };
    assert_eq!(odd(|i| i.usage_operation.clear()), None, "of an unknown system no price is made up");
    assert_eq!(odd(|i| i.kind = "m5\u{1b}[2J".into()), None);
    assert_eq!(odd(|i| i.placement.tenancy = "dedicated".into()).unwrap().2, "Dedicated");
}

#[test]
fn the_latest_spot_price_of_its_zone_and_system_counts() {
    let page: SpotPrices = quick_xml::de::from_str(SPOT).unwrap();
    let prices = latest(page.spot_price_history_set.item);
    assert_eq!(prices.get(&spot_kind(&instances()[1])), Some(&0.04));
    assert_eq!(prices.len(), 2);
}

#[test]
fn a_group_costs_what_its_instances_do_on_average() {
    let prices = InstancePrices::new(client(), client());
    let known = [("i-1", Some(0.1)), ("i-2", Some(0.04)), ("i-3", None)];
    prices.shared.known().instances = known.map(|(id, price)| (id.to_owned(), price)).into();
    let mean = |ids: &[&str]| prices.mean(ids.iter().copied());
    assert!((mean(&["i-1", "i-2"]).unwrap() - 0.07).abs() < 1e-12);
    assert_eq!(mean(&["i-1", "i-9"]), Some(0.1), "a new one is taken to be like the others");
    assert_eq!(mean(&["i-1", "i-3"]), None, "one without a price is not free");
    assert_eq!(mean(&["i-9"]), None);
    assert_eq!(mean(&[]), None);
}
