//! Compliance settings per scope: global, site or service.

use crate::model::record::{Field, Shape, Type};

/// The shape of a compliance.
pub static SHAPE: Shape = Shape {
    noun: "compliance",
    plural: "compliance",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("AdapterName", "adapter_name", Type::Text, 256),
        Field::new("AdapterType", "adapter_type", Type::Text, 1024),
        Field::new("AdapterOutputDirectory", "adapter_output_directory", Type::Text, 1024),
        Field::new("AddChatRoomDetails", "add_chat_room_details", Type::Bool, 0),
        Field::new("AddUserDetails", "add_user_details", Type::Bool, 0),
        Field::new("CreateFileAttachmentsManifest", "create_file_attachments_manifest", Type::Bool, 0),
        Field::new("CustomConfiguration", "custom_configuration", Type::Text, 0),
        Field::new("OneChatRoomPerOutputFile", "one_chat_room_per_output_file", Type::Bool, 0),
        Field::new("RunInterval", "run_interval", Type::Text, 32),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[],
};
