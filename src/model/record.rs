//! A managed object as named values. A [`Shape`] declares its fields once; store, archive and
//! printed table all follow it.

use super::dn;
use super::field::{Held, Key, Sets};
use super::ids::{address_key, join_key, shown_key};
use super::list::List;
use super::time::Ticks;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// What an archive holds. Each level names the nouns that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Everything.
    All,
    /// Principals, policies and who has them.
    User,
    /// Categories and their rights.
    Category,
    /// Categories, rooms, memberships and add-ins.
    RoomDirectory,
    /// The history of the rooms.
    Content,
}

impl Level {
    /// The level of this name, as archives write it.
    pub fn named(name: &str) -> Option<Level> {
        let all = [Level::All, Level::User, Level::Category, Level::RoomDirectory, Level::Content];
        all.into_iter().find(|level| format!("{level:?}") == name)
    }
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// An instant.
    Time,
    /// A list of texts, in order.
    List,
}

/// One property of a managed object.
#[derive(Debug)]
pub struct Field {
    /// The documented name of the property.
    pub name: &'static str,
    /// The column of the store.
    pub column: &'static str,
    /// The type.
    pub kind: Type,
    /// The most characters a text may have; 0 for no limit.
    pub max: usize,
    /// Its text is a name by which people find the record; the store finds it by that without reading all of them.
    pub named: bool,
}

impl Field {
    /// A field; used by the nouns to declare themselves.
    pub const fn of<T: Held + ?Sized>(key: Key<T>, column: &'static str, max: usize) -> Field {
        Field { name: key.name, column, kind: T::KIND, max, named: false }
    }

    /// Records are found by the text of this field.
    #[must_use]
    pub const fn names(self) -> Field {
        Field { named: true, ..self }
    }
}

/// What a noun looks like.
#[derive(Debug)]
pub struct Shape {
    /// The noun, which is also its table.
    pub noun: &'static str,
    /// The noun in the plural: the name of its page in an archive.
    pub plural: &'static str,
    /// The properties, in the order they are shown.
    pub fields: &'static [Field],
    /// The names of the fields that tell two records apart.
    pub key: &'static [&'static str],
    /// The fields whose text makes up the printed identity, joined by a backslash.
    pub identity: &'static [&'static str],
    /// The levels of export this noun belongs to, besides `All`.
    pub levels: &'static [Level],
}

impl Shape {
    /// Does it go into archives? How a computer is called that this store stands for is nothing another store knows.
    pub fn travels(&self) -> bool {
        self.noun != "alias"
    }

    /// Position of the field with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

/// One value of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Not set, or not known.
    #[default]
    Null,
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// An instant.
    Time(Ticks),
    /// A list; an empty list is `Null`.
    List(List),
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The text of the value as the archive and tables show it; lists are joined by `; `.
    pub fn show(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            Value::Bool(true) => "true".to_owned(),
            Value::Bool(false) => "false".to_owned(),
            Value::Time(at) => at.to_string(),
            Value::List(items) => items.join("; "),
        }
    }

    /// Reads the text of a value of type `kind`; lists are not read here.
    pub fn parse(kind: Type, text: &str) -> Option<Value> {
        match kind {
            Type::Text => Some(Value::Text(text.to_owned())),
            Type::Int => text.parse().ok().map(Value::Int),
            Type::Bool => match text {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
            Type::Time => Ticks::parse(text).map(|(at, _)| Value::Time(at)),
            Type::List => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<Ticks> for Value {
    fn from(at: Ticks) -> Value {
        Value::Time(at)
    }
}

impl From<Vec<String>> for Value {
    fn from(items: Vec<String>) -> Value {
        List::from(items).into()
    }
}

impl From<List> for Value {
    fn from(items: List) -> Value {
        if items.is_empty() { Value::Null } else { Value::List(items) }
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Value {
        Value::Bool(is)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Value {
        text.map_or(Value::Null, Value::Text)
    }
}

/// The values of a record. Copies of a record have them in common until one is changed: what comes in, what is there
/// and what is to be are mostly the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Values(Arc<[Value]>);

impl Deref for Values {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl DerefMut for Values {
    fn deref_mut(&mut self) -> &mut [Value] {
        Arc::make_mut(&mut self.0)
    }
}

impl FromIterator<Value> for Values {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Values {
        Values(values.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Values {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a mut Values {
    type Item = &'a mut Value;
    type IntoIter = std::slice::IterMut<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// A managed object: a value for each field of its shape.
#[derive(Debug, Clone)]
pub struct Record {
    /// The shape.
    pub shape: &'static Shape,
    /// The values, in the order of the shape's fields.
    pub values: Values,
    /// Known only from history: a full definition replaces it without a question.
    pub discovered: bool,
}

impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        self.shape.noun == other.shape.noun && self.values == other.values && self.discovered == other.discovered
    }
}

impl Record {
    /// A record with nothing set.
    pub fn new(shape: &'static Shape) -> Record {
        Record { shape, values: shape.fields.iter().map(|_| Value::Null).collect(), discovered: false }
    }

    /// The value of the field of a name known only when the program runs; `Null` when the shape has no such field.
    pub fn get(&self, name: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.shape.position(name).map_or(&NULL, |at| &self.values[at])
    }

    /// What a field says, in its own type.
    pub fn at<T: Held + ?Sized>(&self, key: Key<T>) -> T::View<'_> {
        T::view(self.value(key))
    }

    /// The value of a field; `Null` when the shape has no such field.
    pub fn value<T: Held + ?Sized>(&self, key: Key<T>) -> &Value {
        self.get(key.name)
    }

    /// Is the field set?
    pub fn has<T: Held + ?Sized>(&self, key: Key<T>) -> bool {
        *self.value(key) != Value::Null
    }

    /// Sets a field, if the shape has it.
    pub fn set<V: Into<Value>>(&mut self, field: impl Sets<V>, value: V) {
        if let Some(at) = self.shape.position(field.name()) {
            self.values[at] = value.into();
        }
    }

    /// Sets a field back to nothing.
    pub fn clear<T: Held + ?Sized>(&mut self, key: Key<T>) {
        self.set(key.name, Value::Null);
    }

    /// Sets a field while building a record.
    #[must_use]
    pub fn with<V: Into<Value>>(mut self, field: impl Sets<V>, value: V) -> Record {
        self.set(field, value);
        self
    }

    /// The key that tells records of one shape apart.
    pub fn key(&self) -> String {
        join_key(self.shape.key.iter().map(|name| self.get(name).text().unwrap_or_default()))
    }

    /// The keys under which the store finds it by name.
    pub fn names(&self) -> BTreeSet<String> {
        let named = self.shape.fields.iter().zip(&self.values).filter(|(field, _)| field.named);
        let forms = |text: &str| [dn::name_key(text), address_key(text), shown_key(text)];
        named.filter_map(|(_, value)| value.text()).flat_map(forms).filter(|key| !key.is_empty()).collect()
    }

    /// About how many bytes of text it has.
    pub fn weight(&self) -> usize {
        let weight = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::List(items) => items.weight(),
            _ => 0,
        };
        self.values.iter().map(|value| weight(value) + 16).sum()
    }

    /// The identity as people write it.
    pub fn identity(&self) -> String {
        let parts: Vec<&str> =
            self.shape.identity.iter().map(|name| self.get(name).text().unwrap_or_default()).collect();
        parts.join("\\")
    }
}
