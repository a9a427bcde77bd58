//! Script Command Object, 3.6 of the specification: what a player does at given times.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, guid};

/// What a player does at given times, such as to open an address or to show a caption (section 3.6
/// of the ASF specification). A command stream says the same in its media objects: see
/// [`command_sample`](crate::command_sample).
///
/// ```
/// use mms_asf::Text;
/// use mms_asf::objects::{ScriptCommand, ScriptCommands};
///
/// let mut script = ScriptCommands::default();
/// script.kinds.push(Text::unterminated("CAPTION"));
/// script.commands.push(ScriptCommand::new(4_000, 0, "Guten Tag"));
/// let first = &script.commands[0];
/// assert_eq!(script.kind(first).map(Text::to_string).as_deref(), Some("CAPTION"));
/// ```
#[doc(alias = "Script Command Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptCommands {
    /// Names of the types, such as `URL`, `FILENAME`, `TEXT`, `CAPTION` and `EVENT`, without
    /// terminator. At most 65,535 of at most 65,535 characters. An odd last byte is not written.
    #[doc(alias = "Command Types")]
    pub kinds: Vec<Text>,
    /// The commands, at most 65,535, in the order in which they are stored: by time in files that
    /// keep the rules.
    pub commands: Vec<ScriptCommand>,
}

/// One command (section 3.6 of the ASF specification).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptCommand {
    /// When it takes effect, in milliseconds. Preroll is included by some writers only.
    #[doc(alias = "Presentation Time")]
    pub time: u32,
    /// The place of its type in [`ScriptCommands::kinds`]; some files name one that is not there.
    #[doc(alias = "Type Index")]
    pub kind: u16,
    /// What to open or show, without terminator, at most 65,535 characters. An odd last byte is
    /// not written.
    #[doc(alias = "Command Name")]
    pub text: Text,
}

impl ScriptCommands {
    /// The name of the command's type; `None` when the list has no such place.
    pub fn kind(&self, command: &ScriptCommand) -> Option<&Text> {
        self.kinds.get(usize::from(command.kind))
    }
}

impl ScriptCommand {
    /// A command at this time in milliseconds, of the type at this place of the list.
    pub fn new(time: u32, kind: u16, text: &str) -> Self {
        Self { time, kind, text: Text::unterminated(text) }
    }
}

impl Layout for ScriptCommands {
    const ID: Uuid = guid::SCRIPT_COMMAND;
    const NAME: &'static str = "Script Command Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        // Encoders leave uninitialised memory here.
        cursor.guid("a reserved field")?;
        let commands_count = cursor.u16("a number of commands")?;
        let kinds_count = cursor.u16("a number of command types")?;
        let mut kinds = Vec::new();
        for _ in 0..kinds_count {
            let len = usize::from(cursor.u16("the length of a command type")?).saturating_mul(2);
            kinds.push(cursor.text(len, &object.bytes, "a command type")?);
        }
        let mut commands = Vec::new();
        for _ in 0..commands_count {
            let time = cursor.u32("the time of a command")?;
            let kind = cursor.u16("the type of a command")?;
            let len = usize::from(cursor.u16("the length of a command")?).saturating_mul(2);
            let text = cursor.text(len, &object.bytes, "a command")?;
            commands.push(ScriptCommand { time, kind, text });
        }
        Ok(Self { kinds, commands })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(guid::SCRIPT_COMMAND_RESERVED);
        out.len16("the number of commands", self.commands.len());
        out.len16("the number of command types", self.kinds.len());
        for kind in &self.kinds {
            let name = kind.whole_units();
            out.len16("the length of a command type", name.len() / 2);
            out.slice(name);
        }
        for command in &self.commands {
            out.u32(command.time);
            out.u16(command.kind);
            let text = command.text.whole_units();
            out.len16("the length of a command", text.len() / 2);
            out.slice(text);
        }
    }
}
