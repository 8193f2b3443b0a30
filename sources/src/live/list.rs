//! Reading lists and objects from the API.
//!
//! In: a [`Target`] and a slim type of the caller's own, which names only the fields that are read.
//! Out: the objects, and whether they are all there are.

use super::Connection;
use super::classify::{self, Scene};
use super::error::Error;
use super::target::{Selection, Target, escaped, page};
use super::text::clean;
use crate::limits::Counted;
use http::{Request, header};
use kube::client::Body;
use netpol::objects::without_managed_fields;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// Objects a page, as kubectl asks for.
const PAGE: u32 = 500;
/// Items of one answer, where the server does not give them page by page.
const MOST_ITEMS: usize = 1_000_000;
/// More pages than this are a server that never ends.
const MOST_PAGES: usize = 20_000;
/// Whole objects.
const JSON: &str = "application/json";
/// Names, labels and owners only; a server that cannot do that sends whole objects.
const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// Whether anybody reads `managedFields`.
#[derive(Clone, Copy)]
pub(super) enum Managed {
    Kept,
    LeftOut,
}

/// 410: the continue token has expired.
const GONE: u16 = 410;

/// What was read of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The objects, in the server's order.
    pub items: Vec<T>,
    /// Whether they are all.
    pub extent: Extent,
}

/// How much of a list was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Complete,
    /// Only a part, with the reason as a sentence.
    Partial(String),
}

impl Connection {
    /// Reads a list page by page. An error means that nothing was read; what fails later leaves a
    /// [`Extent::Partial`] list.
    pub async fn list<T: DeserializeOwned>(
        &self,
        target: &Target,
        selection: &Selection,
    ) -> Result<List<T>, Error> {
        self.list_with(target, selection, Managed::Kept).await
    }

    /// As [`list`](Self::list), of objects of which nobody reads who set which field: mostly that is the
    /// larger part of them.
    pub async fn list_facts<T: DeserializeOwned>(
        &self,
        target: &Target,
        selection: &Selection,
    ) -> Result<List<T>, Error> {
        self.list_with(target, selection, Managed::LeftOut).await
    }

    pub(super) async fn list_with<T: DeserializeOwned>(
        &self,
        target: &Target,
        selection: &Selection,
        managed: Managed,
    ) -> Result<List<T>, Error> {
        self.pages(target, selection, JSON, managed).await
    }

    /// Reads the metadata of all objects of a list; `T` must do without the rest.
    pub async fn list_metadata<T: DeserializeOwned>(
        &self,
        target: &Target,
    ) -> Result<List<T>, Error> {
        self.pages(target, &Selection::default(), METADATA, Managed::LeftOut).await
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        target: &Target,
        selection: &Selection,
        accept: &'static str,
        managed: Managed,
    ) -> Result<List<T>, Error> {
        let mut list = List { items: Vec::new(), extent: Extent::Complete };
        let mut unreadable = Unreadable::default();
        let mut next = String::new();
        let mut limit = Some(PAGE);
        for _ in 0..MOST_PAGES {
            let uri = page(target, selection, limit, &next);
            let read = match self.fetch(target, &uri, accept).await {
                Ok(bytes) => {
                    let bytes = match managed {
                        Managed::Kept => bytes,
                        Managed::LeftOut => without_managed_fields(bytes),
                    };
                    self.page(target, &bytes, &mut unreadable)
                }
                Err(error) => Err(error),
            };
            match read {
                Ok((items, following)) => {
                    let count = items.len() as u64;
                    self.budget
                        .take(Counted::Objects, count)
                        .map_err(|exceeded| Error::TooMuch { doing: target.doing(), exceeded })?;
                    list.items.extend(items);
                    if following.is_empty() || following == next {
                        unreadable.mark(&mut list, target, !following.is_empty());
                        return Ok(list);
                    }
                    next = following;
                }
                // Too slow for the token: all at once, as client-go's pager does.
                Err(Error::Status { code: GONE, .. }) if limit.is_some() && !next.is_empty() => {
                    list.items.clear();
                    unreadable = Unreadable::default();
                    next.clear();
                    limit = None;
                }
                Err(error) if list.items.is_empty() => return Err(error),
                Err(error @ Error::TooMuch { .. }) => return Err(error),
                Err(error) => {
                    list.extent = Extent::Partial(error.to_string());
                    return Ok(list);
                }
            }
        }
        unreadable.mark(&mut list, target, true);
        Ok(list)
    }

    /// An error about a resource that is not served, with what is served in its place. An answer
    /// that cannot be had leaves it as it is.
    pub(super) async fn with_versions(&self, mut error: Error) -> Error {
        if let Error::NoSuchResource { api, versions, .. } = &mut error
            && let Some((group, _)) = api.split_once('/')
        {
            let target = Target::of(api.clone(), "");
            let read = self.fetch(&target, &format!("/apis/{}", escaped(group)), JSON).await;
            *versions = match read {
                Ok(bytes) => serde_json::from_slice::<Group>(&bytes).ok().map(|group| {
                    group.versions.iter().map(|served| clean(&served.version)).collect()
                }),
                Err(Error::NoSuchResource { .. }) => Some(Vec::new()),
                Err(_) => None,
            };
        }
        error
    }

    /// Reads one object; `target` names it.
    pub async fn get<T: DeserializeOwned>(&self, target: &Target) -> Result<T, Error> {
        let bytes = self.fetch(target, &target.to_string(), JSON).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreadable(target, &error))
    }

    /// Reads one object from a path of its own; `target` gives it words.
    pub(super) async fn get_at<T: DeserializeOwned>(
        &self,
        target: &Target,
        path: &str,
    ) -> Result<T, Error> {
        let bytes = self.fetch(target, path, JSON).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreadable(target, &error))
    }

    fn page<T: DeserializeOwned>(
        &self,
        target: &Target,
        bytes: &[u8],
        unreadable: &mut Unreadable,
    ) -> Result<(Vec<T>, String), Error> {
        let whole = serde_json::from_slice::<Page<T>>(bytes);
        if let Ok(Page { metadata, items: Some(items) }) = whole {
            return Ok((items, metadata.next.unwrap_or_default()));
        }
        // One object that is not what it should be must not cost the other 499.
        let page: Page<&RawValue> =
            serde_json::from_slice(bytes).map_err(|error| self.unreadable(target, &error))?;
        let no_list = || self.unreadable(target, &"it is no list");
        let read = |item: &RawValue| {
            serde_json::from_str(item.get())
                .inspect_err(|error| unreadable.count(&error.to_string()))
                .ok()
        };
        let items = page.items.ok_or_else(no_list)?.into_iter().filter_map(read).collect();
        Ok((items, page.metadata.next.unwrap_or_default()))
    }

    async fn fetch(
        &self,
        target: &Target,
        uri: &str,
        accept: &'static str,
    ) -> Result<Vec<u8>, Error> {
        let doing = target.doing();
        let scene = self.scene(&doing, Some(target));
        let request = Request::get(uri)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| classify::of_chain(scene, &error))?;
        self.exchange(scene, request).await
    }

    /// Sends a request and gives back the body of a successful answer.
    pub(super) async fn exchange(
        &self,
        scene: Scene<'_>,
        request: Request<Body>,
    ) -> Result<Vec<u8>, Error> {
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| classify::of_kube(scene, &error))?;
        let status = answer.status();
        let bytes = answer.into_body().collect_bytes().await;
        let bytes = bytes.map_err(|error| classify::of_kube(scene, &error))?;
        if status.is_success() {
            Ok(bytes.into())
        } else {
            Err(classify::of_status(scene, status.as_u16(), &bytes))
        }
    }

    fn unreadable(&self, target: &Target, why: &dyn std::fmt::Display) -> Error {
        Error::Unreadable {
            doing: target.doing(),
            server: self.server.clone(),
            why: clean(&why.to_string()),
        }
    }
}

/// The objects of a list that are not what they should be.
#[derive(Default)]
struct Unreadable {
    count: usize,
    first: String,
}

impl Unreadable {
    fn count(&mut self, why: &str) {
        if self.count == 0 {
            self.first = clean(why);
        }
        self.count += 1;
    }

    fn mark<T>(&self, list: &mut List<T>, target: &Target, endless: bool) {
        let doing = target.doing();
        if endless {
            list.extent = Extent::Partial(format!("{doing}: the server's pages never end"));
        } else if self.count > 0 {
            let (count, first) = (self.count, &self.first);
            list.extent =
                Extent::Partial(format!("{doing}: {count} of them cannot be read: {first}"));
        }
    }
}

/// A group of the API, as discovery has it.
#[derive(Deserialize)]
struct Group {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// One page of a list.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Page<T> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default = "Option::default", deserialize_with = "items")]
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Go writes an empty slice as `null`; no `items` at all is another matter. A page has a few hundred,
/// and one that is not asked for page by page as many as there are: more than any cluster has are not
/// made room for, since an item of two bytes takes some hundred.
fn items<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Items<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of items")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut of: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = of.next_element()? {
                if items.len() == MOST_ITEMS {
                    return Err(A::Error::custom(format!(
                        "more than {MOST_ITEMS} items in one answer"
                    )));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_any(Items(PhantomData)).map(Some)
}
