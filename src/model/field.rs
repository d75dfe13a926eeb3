//! Fields of managed objects, each with its type: a misspelt name, or text where a time belongs, does not compile.
//!
//! A noun declares its fields from these; rules and jobs read and write records by them.

use super::list::List;
use super::record::{Type, Value};
use super::time::Ticks;
use std::fmt;
use std::marker::PhantomData;

/// The name of a field whose values are `T`: `str`, [`List`], `i64`, `bool` or [`Ticks`].
pub struct Key<T: ?Sized> {
    /// The documented name of the property.
    pub name: &'static str,
    of: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Key<T> {
    const fn new(name: &'static str) -> Key<T> {
        Key { name, of: PhantomData }
    }
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Key<T> {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

impl<T: ?Sized> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A type a field can have.
pub trait Held {
    /// As shapes name it.
    const KIND: Type;
    /// How a value is seen.
    type View<'a>;
    /// Sees the value; what is not set, or of another type, is seen as not set.
    fn view(value: &Value) -> Self::View<'_>;
}

impl Held for str {
    const KIND: Type = Type::Text;
    type View<'a> = Option<&'a str>;
    fn view(value: &Value) -> Option<&str> {
        value.text()
    }
}

impl Held for List {
    const KIND: Type = Type::List;
    type View<'a> = &'a List;
    fn view(value: &Value) -> &List {
        if let Value::List(items) = value { items } else { List::none() }
    }
}

impl Held for i64 {
    const KIND: Type = Type::Int;
    type View<'a> = Option<i64>;
    fn view(value: &Value) -> Option<i64> {
        if let Value::Int(number) = value { Some(*number) } else { None }
    }
}

impl Held for bool {
    const KIND: Type = Type::Bool;
    type View<'a> = Option<bool>;
    fn view(value: &Value) -> Option<bool> {
        if let Value::Bool(is) = value { Some(*is) } else { None }
    }
}

impl Held for Ticks {
    const KIND: Type = Type::Time;
    type View<'a> = Option<Ticks>;
    fn view(value: &Value) -> Option<Ticks> {
        if let Value::Time(at) = value { Some(*at) } else { None }
    }
}

/// What a field of type `T` can be set to.
pub trait Fits<T: ?Sized>: Into<Value> {}

impl Fits<str> for &str {}
impl Fits<str> for String {}
impl Fits<str> for Option<String> {}
impl Fits<List> for Vec<String> {}
impl Fits<List> for List {}
impl Fits<i64> for i64 {}
impl Fits<bool> for bool {}
impl Fits<Ticks> for Ticks {}

/// Which field is set to a `V`: one with a type, or one whose name is known only when the program runs.
pub trait Sets<V> {
    /// The name of the field.
    fn name(&self) -> &str;
}

impl<V: Into<Value>> Sets<V> for &str {
    fn name(&self) -> &str {
        self
    }
}

impl<T: Held + ?Sized, V: Fits<T>> Sets<V> for Key<T> {
    fn name(&self) -> &str {
        self.name
    }
}

/// Declares the keys, and the list of them by which a test compares them with the shapes.
macro_rules! keys {
    ($($name:ident: $of:ty = $text:literal;)*) => {
        $(#[doc = concat!("`", $text, "`")] pub const $name: Key<$of> = Key::new($text);)*

        /// The name and type of each key.
        pub const ALL: &[(&str, Type)] = &[$(($text, <$of as Held>::KIND)),*];
    };
}

keys! {
    ACCOUNT: str = "Account";
    ACCOUNT_STATE: i64 = "Disabled";
    ACTIVE_SERVERS: List = "ActiveServers";
    ADAPTER_NAME: str = "AdapterName";
    ADAPTER_OUTPUT_DIRECTORY: str = "AdapterOutputDirectory";
    ADAPTER_TYPE: str = "AdapterType";
    ADDIN: str = "Addin";
    ADD_CHAT_ROOM_DETAILS: bool = "AddChatRoomDetails";
    ADD_USER_DETAILS: bool = "AddUserDetails";
    AFFILIATIONS: List = "Affiliations";
    ALLOWED_MEMBERS: List = "AllowedMembers";
    APPROVED_BY: str = "ApprovedBy";
    APPROVED_ON: Ticks = "ApprovedOn";
    APPROVER: str = "Approver";
    ASKED: str = "Asked";
    ATTRIBUTES: List = "Attributes";
    CASE: str = "Case";
    CASE_SENSITIVE: bool = "CaseSensitive";
    CATEGORIES: List = "Categories";
    CATEGORY: str = "Category";
    CHAT_HISTORY: bool = "ChatHistory";
    CLOSED_BY: str = "ClosedBy";
    CLOSED_ON: Ticks = "ClosedOn";
    COMPANY: str = "Company";
    CONTENT: str = "Content";
    CREATED_BY: str = "CreatedBy";
    CREATED_ON: Ticks = "CreatedOn";
    CREATE_FILE_ATTACHMENTS_MANIFEST: bool = "CreateFileAttachmentsManifest";
    CREATORS: List = "Creators";
    CUSTOM_CONFIGURATION: str = "CustomConfiguration";
    DEFAULT_CHAT_HISTORY: i64 = "DefaultChatHistory";
    DENIED_MEMBERS: List = "DeniedMembers";
    DESCRIPTION: str = "Description";
    DIGEST: str = "Digest";
    DIRECTORY_PATH: str = "DirectoryPath";
    DISABLED: bool = "Disabled";
    DISPLAY_NAME: str = "DisplayName";
    EMAIL: str = "Email";
    ENABLE_PERSISTENT_CHAT: bool = "EnablePersistentChat";
    EVENTS: i64 = "Events";
    FILE_UPLOAD: bool = "FileUpload";
    FORMER_NAMES: List = "FormerNames";
    FROM: Ticks = "From";
    GUID: str = "Guid";
    HOURS: i64 = "Hours";
    IDENTITY: str = "Identity";
    INACTIVE_SERVERS: List = "InactiveServers";
    INVITATIONS: bool = "Invitations";
    KEEP: str = "Keep";
    KIND: str = "Kind";
    LOGON: str = "Logon";
    LOG_SIZE: i64 = "LogSize";
    MADE_BY: str = "MadeBy";
    MADE_ON: Ticks = "MadeOn";
    MANAGERS: List = "Managers";
    MATCH: str = "Match";
    MAX_FILE_SIZE_KB: i64 = "MaxFileSizeKB";
    MEMBERS: List = "Members";
    NAME: str = "Name";
    OBJECT_CLASS: List = "ObjectClass";
    ONE_CHAT_ROOM_PER_OUTPUT_FILE: bool = "OneChatRoomPerOutputFile";
    OPENED_BY: str = "OpenedBy";
    OPENED_ON: Ticks = "OpenedOn";
    OTHER_ACCOUNT: bool = "OtherAccount";
    PARTICIPANT_UPDATE_LIMIT: i64 = "ParticipantUpdateLimit";
    PARTS: List = "Parts";
    PEOPLE: List = "People";
    PLACED_BY: str = "PlacedBy";
    PLACED_ON: Ticks = "PlacedOn";
    POLICY: str = "Policy";
    POOL: str = "Pool";
    POOL_STATE: str = "PoolState";
    POPULATION: i64 = "Population";
    PRESENTERS: List = "Presenters";
    PRIVACY: str = "Privacy";
    QUERY: str = "Query";
    REASON: str = "Reason";
    RELEASED_BY: str = "ReleasedBy";
    RELEASED_ON: Ticks = "ReleasedOn";
    RELEASE_REASON: str = "ReleaseReason";
    REQUESTED_BY: str = "RequestedBy";
    REQUESTED_ON: Ticks = "RequestedOn";
    REQUESTER: str = "Requester";
    REQUIRED: bool = "Required";
    REVIEW_ON: Ticks = "ReviewOn";
    ROOMS: List = "Rooms";
    ROOM_INVITATIONS: str = "Invitations";
    ROOM_MANAGEMENT_URL: str = "RoomManagementUrl";
    RUN_INTERVAL: str = "RunInterval";
    SAMPLE: str = "Sample";
    SCOPE: str = "Scope";
    SEED: str = "Seed";
    SET_BY: str = "SetBy";
    SET_ON: Ticks = "SetOn";
    SIP_ADDRESS: str = "SipAddress";
    SITE: str = "Site";
    SMTP_RELAY: str = "SmtpRelay";
    STORE: str = "Store";
    TARGET: str = "Target";
    TO: Ticks = "To";
    TOLD: List = "Told";
    TYPE: str = "Type";
    UPDATED_BY: str = "UpdatedBy";
    UPDATED_ON: Ticks = "UpdatedOn";
    URI: str = "Uri";
    URL: str = "Url";
    USED: List = "Used";
    USED_ON: Ticks = "UsedOn";
    USER_PRINCIPAL_NAME: str = "UserPrincipalName";
    VALID_UNTIL: Ticks = "ValidUntil";
    VERIFIED_ON: Ticks = "VerifiedOn";
    WHAT: str = "What";
    WITHDRAWN_BY: str = "WithdrawnBy";
    WITHDRAWN_ON: Ticks = "WithdrawnOn";
    WORDS: str = "Words";
    WRITTEN: str = "Written";
}
