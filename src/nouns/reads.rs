//! Which settings a command reads: all of some nouns, and of principals, of which there may be very many, only those
//! that are named. A principal is read with all groups it is in, so that whoever asks gets the same answer as with all
//! of them.

use crate::context::Context;
use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::list::List;
use crate::model::record::{Record, Shape, Value};
use crate::nouns::principal;
use crate::store::{Corpus, Named, Names, Wanted};

/// Says which principals, knowing the other settings.
type People = Box<dyn Fn(&Catalog) -> Names>;

/// What a decision is made of.
pub struct Reads {
    shapes: Vec<&'static Shape>,
    room: Option<String>,
    people: Option<People>,
}

impl Reads {
    /// The records of these nouns.
    pub fn of(shapes: &[&'static Shape]) -> Reads {
        Reads { shapes: shapes.to_vec(), room: None, people: None }
    }

    /// The records of all nouns but principals.
    pub fn no_people(cx: &Context<'_>) -> Reads {
        let shapes = cx.shapes.iter().copied().filter(|shape| shape.noun != principal::SHAPE.noun);
        Reads { shapes: shapes.collect(), room: None, people: None }
    }

    /// These, and the principals that are named.
    #[must_use]
    pub fn people(self, names: impl Fn(&Catalog) -> Names + 'static) -> Reads {
        Reads { people: Some(Box::new(names)), ..self }
    }

    /// Of rooms those that this may name, when nothing is asked about others.
    #[must_use]
    pub fn room(self, name: &str) -> Reads {
        Reads { room: Some(name.to_owned()), ..self }
    }

    /// As a store understands it.
    pub fn wanted(&self) -> Wanted<'_> {
        let named = self.people.as_deref().map(|names| Named {
            shape: &principal::SHAPE,
            leads: field::AFFILIATIONS.name,
            names,
        });
        Wanted { shapes: &self.shapes, room: self.room.as_deref(), named, bare: false }
    }

    /// Reads them.
    pub fn read(&self, cx: &Context<'_>) -> Result<Catalog> {
        cx.session.settings(&self.wanted())
    }
}

/// The settings without the principals.
pub fn no_people(cx: &Context<'_>) -> Result<Catalog> {
    Reads::no_people(cx).read(cx)
}

/// The principals of these names with all groups they are in, as directories of a few need them: without their
/// attributes.
pub fn principals(store: &mut impl Corpus, names: Vec<String>) -> Result<Catalog> {
    let names = |_: &Catalog| Names::These(names.clone());
    let named = Some(Named { shape: &principal::SHAPE, leads: field::AFFILIATIONS.name, names: &names });
    store.settings(&Wanted { shapes: &[], room: None, named, bare: true })
}

/// The entries of lists of a record.
pub fn entries<'a>(record: &'a Record, lists: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let items = |list: &&str| if let Value::List(items) = record.get(list) { items } else { List::none() };
    lists.iter().flat_map(move |list| items(list).iter())
}

/// The names in changes of lists: as they were typed, and without the sign before them.
pub fn typed<'a>(changes: impl Iterator<Item = &'a String>) -> Vec<String> {
    changes
        .flat_map(|change| [Some(change.as_str()), change.strip_prefix(['+', '-', '='])])
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// Names as they were typed.
pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Names {
    Names::Like(names.map(str::to_owned).collect())
}
