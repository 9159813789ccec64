//! The Price List Query API: `GetProducts`, format `aws_v1` (AWS Price List API reference).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use crate::execution::provider::ProviderError;
use crate::execution::providers::aws::wrong::{senseless, wrong};
use crate::scrape::aws::{AwsClient, Call, Effect, Service};

/// Pages of one question, of a hundred products each.
const PAGES: usize = 10;
/// What an hour of anything costs at most, $: beyond it a list is not believed.
const MOST: f64 = 10_000.0;

/// The region whose lists have the prices of `region`; `None` for partitions without lists.
pub fn region_of_lists(region: &str) -> Option<&'static str> {
    match region.split('-').next()? {
        _ if region.contains("-gov-") || region.contains("-iso") => None,
        "cn" => Some("cn-northwest-1"),
        "eu" | "me" | "af" | "il" => Some("eu-central-1"),
        "ap" => Some("ap-south-1"),
        _ => Some("us-east-1"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    /// Each a document of its own, as text.
    price_list: Vec<String>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Offer {
    product: Described,
    terms: Terms,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Described {
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Terms {
    #[serde(rename = "OnDemand")]
    on_demand: BTreeMap<String, Term>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Term {
    price_dimensions: BTreeMap<String, Rate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rate {
    unit: String,
    price_per_unit: BTreeMap<String, String>,
}

/// One product of a list.
#[derive(Debug)]
pub(super) struct Product {
    attributes: BTreeMap<String, String>,
    /// What an hour of it costs on demand, $, by every rate that says so.
    hourly: Vec<f64>,
}

impl Product {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    fn parse(text: &str) -> Option<Self> {
        let offer: Offer = serde_json::from_str(text).ok()?;
        let rates = offer.terms.on_demand.into_values().flat_map(|t| t.price_dimensions.into_values());
        Some(Self {
            attributes: offer.product.attributes,
            hourly: rates.filter_map(|r| hourly(&r)).collect(),
        })
    }
}

/// $/h of a rate by the hour; nothing of one that is free or in another currency.
fn hourly(rate: &Rate) -> Option<f64> {
    let unit = rate.unit.to_ascii_lowercase();
    if !matches!(unit.as_str(), "hrs" | "hours" | "hour" | "vcpu-hours" | "gb-hours") {
        return None;
    }
    let price = rate.price_per_unit.get("USD")?.trim().parse::<f64>().ok()?;
    (price > 0.0 && price <= MOST).then_some(price)
}

/// The price on which all of these agree, $/h.
pub(super) fn agreed<'a>(products: impl Iterator<Item = &'a Product>) -> Option<f64> {
    let mut prices = products.flat_map(|p| p.hourly.iter().copied());
    let first = prices.next()?;
    prices.all(|p| (p - first).abs() < 1e-9).then_some(first)
}

/// What the list of a service has of these attributes. What does not have them is left out, whatever was answered.
pub(super) async fn products(
    client: &AwsClient,
    code: &str,
    wanted: &[(&str, &str)],
) -> Result<Vec<Product>, ProviderError> {
    let filters: Vec<_> = wanted
        .iter()
        .map(|(field, value)| json!({ "Type": "TERM_MATCH", "Field": field, "Value": value }))
        .collect();
    let (mut found, mut token) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut body =
            json!({ "ServiceCode": code, "Filters": filters, "FormatVersion": "aws_v1", "MaxResults": 100 });
        if let (Some(token), Some(object)) = (token.take(), body.as_object_mut()) {
            object.insert("NextToken".into(), token.into());
        }
        let call = Call::json(Service::Pricing, "GetProducts", &body, Effect::Read);
        let answer = client.call(&call).await.map_err(|e| wrong(&e, &call))?;
        let page: Answer = serde_json::from_slice(&answer).map_err(|e| senseless(&call, &e.to_string()))?;
        let has = |p: &Product| wanted.iter().all(|(field, value)| p.attribute(field) == *value);
        found.extend(page.price_list.iter().filter_map(|text| Product::parse(text)).filter(has));
        token = page.next_token.filter(|t| !t.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A product of one rate, by its usage type.
    pub fn of_usage(usage: &str, unit: &str, price: &str) -> Product {
        let mut product = product(&rate(unit, "USD", price));
        product.attributes.insert("usagetype".into(), usage.into());
        product
    }

    fn product(rates: &str) -> Product {
        let text = format!(
            r#"{{"product":{{"productFamily":"Compute Instance","attributes":{{"instanceType":"m5.large",
            "regionCode":"eu-west-1"}},"sku":"S"}},"serviceCode":"AmazonEC2","terms":{{"OnDemand":{{"S.JRTCKXETXF":{{
            "priceDimensions":{{{rates}}},"sku":"S","termAttributes":{{}}}}}},"Reserved":{{"x":{{"priceDimensions":{{"y":
            {{"unit":"Hrs","pricePerUnit":{{"USD":"0.01"}}}}}}}}}}}},"version":"20261101"}}"#
        );
        Product::parse(&text).unwrap()
    }

    fn rate(unit: &str, currency: &str, price: &str) -> String {
        format!(
            r#""R":{{"unit":"{unit}","endRange":"Inf","appliesTo":[],"beginRange":"0","pricePerUnit":{{"{currency}":"{price}"}}}}"#
        )
    }

    #[test]
    fn a_price_is_what_an_hour_on_demand_costs_in_dollars() {
        let of = |unit, currency, price| agreed([product(&rate(unit, currency, price))].iter());
        assert_eq!(of("Hrs", "USD", "0.1070000000"), Some(0.107));
        assert_eq!(of("vCPU-Hours", "USD", "0.04048"), Some(0.040_48));
        for (unit, currency, price) in [
            ("Hrs", "CNY", "0.7"),
            ("Quantity", "USD", "0.107"),
            ("Hrs", "USD", "0.0000000000"),
            ("Hrs", "USD", "-1"),
            ("Hrs", "USD", "NaN"),
            ("Hrs", "USD", "1e9"),
            ("Hrs", "USD", ""),
        ] {
            assert_eq!(of(unit, currency, price), None, "{unit} {currency} {price}");
        }
        assert!(Product::parse("{\"product\": 7}").is_none() && Product::parse("").is_none());
    }

    #[test]
    fn products_that_disagree_have_no_price() {
        let cheap = product(&rate("Hrs", "USD", "0.1"));
        let (same, dear) = (product(&rate("Hrs", "USD", "0.10")), product(&rate("Hrs", "USD", "0.2")));
        let free = product(&rate("Hrs", "USD", "0"));
        assert_eq!(agreed([&cheap, &same, &free].into_iter()), Some(0.1));
        assert_eq!(agreed([&cheap, &dear].into_iter()), None);
        assert_eq!(agreed([&free].into_iter()), None, "nothing is free because a list says nothing");
    }

    #[test]
    fn every_partition_has_its_lists_or_none() {
        let of = [
            "eu-west-1",
            "us-west-2",
            "ap-southeast-2",
            "cn-north-1",
            "us-gov-west-1",
            "sa-east-1",
            "us-iso-east-1",
        ]
        .map(region_of_lists);
        let (us, eu) = (Some("us-east-1"), Some("eu-central-1"));
        assert_eq!(of, [eu, us, Some("ap-south-1"), Some("cn-northwest-1"), None, us, None]);
    }
}
