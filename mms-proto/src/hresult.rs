//! Result codes of the peer, MS-ERREF 2.1 and the Windows Media codes that appear in `hr` fields.

use std::fmt;

/// A result code as it stands in the `hr` field of a message: failure when the top bit is set.
///
/// `Debug` and `Display` print the name of a known code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HResult(pub u32);

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident $spec:literal = $value:literal;)+) => {
        impl HResult {
            $($(#[doc = $doc])+ #[doc(alias = $spec)] pub const $name: Self = Self($value);)+

            /// The name that the specification gives to this code, if it is a known one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($spec),)+
                    _ => None,
                }
            }

            /// What this code means, in a few words.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(concat!($($doc),+).trim_ascii()),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// success
    OK "S_OK" = 0;
    /// success; in an end of stream: another entry follows
    FALSE "S_FALSE" = 1;
    /// the server could not do it
    FAIL "E_FAIL" = 0x8000_4005;
    /// the server met an unexpected condition
    UNEXPECTED "E_UNEXPECTED" = 0x8000_FFFF;
    /// not implemented
    NOT_IMPLEMENTED "E_NOTIMPL" = 0x8000_4001;
    /// the system cannot find the file
    SYSTEM_FILE_NOT_FOUND "ERROR_FILE_NOT_FOUND" = 0x8007_0002;
    /// the system cannot find the path
    SYSTEM_PATH_NOT_FOUND "ERROR_PATH_NOT_FOUND" = 0x8007_0003;
    /// access denied
    ACCESS_DENIED "E_ACCESSDENIED" = 0x8007_0005;
    /// a parameter is invalid
    INVALID_ARGUMENT "E_INVALIDARG" = 0x8007_0057;
    /// no transport was negotiated
    NO_FUNNEL "NS_E_NOFUNNEL" = 0xC00D_000C;
    /// the server or its network is too busy
    NETWORK_BUSY "NS_E_NETWORK_BUSY" = 0xC00D_000E;
    /// the server has too many sessions
    TOO_MANY_SESSIONS "NS_E_TOO_MANY_SESS" = 0xC00D_000F;
    /// protocol or transport refused
    PROTOCOL_MISMATCH "NS_E_PROTOCOL_MISMATCH" = 0xC00D_0012;
    /// the server waited too long
    TIMEOUT "NS_E_TIMEOUT" = 0xC00D_0013;
    /// the server does not have this file
    FILE_NOT_FOUND "NS_E_FILE_NOT_FOUND" = 0xC00D_001A;
    /// the name is not a valid one
    INVALID_NAME "NS_E_INVALID_NAME" = 0xC00D_001C;
    /// the server could not open the file
    FILE_OPEN_FAILED "NS_E_FILE_OPEN_FAILED" = 0xC00D_001D;
    /// the connection failed
    CONNECTION_FAILURE "NS_E_CONNECTION_FAILURE" = 0xC00D_0029;
    /// the server is shutting down
    SHUTDOWN "NS_E_SHUTDOWN" = 0xC00D_002A;
    /// the request does not fit the state of the session
    INVALID_REQUEST "NS_E_INVALID_REQUEST" = 0xC00D_002B;
    /// not enough bandwidth
    INSUFFICIENT_BANDWIDTH "NS_E_INSUFFICIENT_BANDWIDTH" = 0xC00D_002C;
    /// a file is already open in this session
    OPEN_FILE_LIMIT "NS_E_OPEN_FILE_LIMIT" = 0xC00D_0031;
    /// malformed control data
    BAD_CONTROL_DATA "NS_E_BAD_CONTROL_DATA" = 0xC00D_0032;
    /// no such stream
    NO_STREAM "NS_E_NO_STREAM" = 0xC00D_0033;
    /// the stream has ended
    STREAM_END "NS_E_STREAM_END" = 0xC00D_0034;
    /// the server was not found
    SERVER_NOT_FOUND "NS_E_SERVER_NOT_FOUND" = 0xC00D_0035;
    /// fast forward and rewind are refused
    STRIDE_REFUSED "NS_E_STRIDE_REFUSED" = 0xC00D_0045;
    /// the server has no room for more clients
    MAX_CLIENTS "NS_E_MAX_CLIENTS" = 0xC00D_0049;
    /// the content is protected
    PROTECTED_CONTENT "NS_E_PROTECTED_CONTENT" = 0xC00D_0BBD;
    /// a licence is required
    LICENSE_REQUIRED "NS_E_LICENSE_REQUIRED" = 0xC00D_0BBE;
}

impl HResult {
    /// True when the top bit is set.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }

    /// The code as a failure; `None` when it is a success.
    #[must_use]
    pub const fn failure(self) -> Option<Failure> {
        if self.is_failure() { Some(Failure(self)) } else { None }
    }

    /// A failure code of an application's own: the customer bit (0x20000000) is always set, so
    /// that it can collide with no code of the specification.
    ///
    /// Facility 0 to 0x7FF; larger values are cut to it.
    #[must_use]
    pub const fn custom_failure(facility: u16, code: u16) -> Self {
        Self(0xA000_0000 | ((facility as u32 & 0x7FF) << 16) | code as u32)
    }
}

/// A result code that is a failure: the reason of a refusal or of an early end.
///
/// Conversion from an [`HResult`] replaces a success by [`HResult::FAIL`], since a peer would take
/// a refusal with a success code for its opposite. [`HResult::failure`] converts failures alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Failure(HResult);

impl Failure {
    /// The result code; its top bit is set.
    #[must_use]
    pub const fn hresult(self) -> HResult {
        self.0
    }
}

impl From<HResult> for Failure {
    fn from(hr: HResult) -> Self {
        hr.failure().unwrap_or(Self(HResult::FAIL))
    }
}

impl From<Failure> for HResult {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Display for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.meaning()) {
            (Some(name), Some(meaning)) => write!(f, "{meaning} ({name}, 0x{:08X})", self.0),
            _ => write!(f, "result code 0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_failure_bit() {
        assert_eq!(format!("{:?}", HResult::FILE_NOT_FOUND), "NS_E_FILE_NOT_FOUND");
        assert_eq!(HResult(0xC00D_FFFF).to_string(), "result code 0xC00DFFFF");
        assert!(HResult::FILE_NOT_FOUND.to_string().starts_with("the server does not have"));
        assert!(HResult::ACCESS_DENIED.is_failure());
        assert!(!HResult::FALSE.is_failure());
    }

    #[test]
    fn a_failure_is_never_a_success() {
        assert_eq!(Failure::from(HResult::FILE_NOT_FOUND).hresult(), HResult::FILE_NOT_FOUND);
        assert_eq!(HResult::FAIL.failure(), Some(Failure(HResult::FAIL)));
        for success in [HResult::OK, HResult::FALSE, HResult(0x7FFF_FFFF)] {
            assert_eq!(success.failure(), None);
            assert_eq!(HResult::from(Failure::from(success)), HResult::FAIL);
        }
    }

    #[test]
    fn own_codes_carry_the_customer_bit() {
        // MMSP-W-027
        for (facility, code) in [(0, 0), (13, 26), (u16::MAX, u16::MAX)] {
            let own = HResult::custom_failure(facility, code);
            assert!(own.is_failure());
            assert_ne!(own.0 & 0x2000_0000, 0);
            assert_eq!(own.name(), None);
        }
    }
}
