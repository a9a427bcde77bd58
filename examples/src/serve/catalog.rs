//! What a name that a player asks for means.

use std::path::PathBuf;

use super::library::{Library, encoded, spellings};
use super::options::Redirection;
use super::playlist::Playlist;

/// Everything that can be asked for.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) library: Option<Library>,
    /// A list with the name of its file.
    pub(super) playlist: Option<(String, Playlist)>,
    /// Name of what all players share.
    pub(super) channel: Option<String>,
    pub(super) redirects: Vec<Redirection>,
}

/// What was found under a name.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A file.
    Title(PathBuf),
    /// A list.
    Playlist(&'a Playlist),
    /// What all players share.
    Channel,
    /// It is at this URL.
    Redirect(&'a str),
    Missing,
}

impl Catalog {
    /// Looks a name up as it came from a player.
    pub(super) fn find(&self, asked: &str) -> Found<'_> {
        let spellings = spellings(asked);
        let means = |name: &str| {
            let name = name.trim_start_matches('/');
            spellings.iter().any(|spelling| spelling.trim_start_matches('/') == name)
        };
        if let Some(found) = self.redirects.iter().find(|redirect| means(&redirect.from)) {
            return Found::Redirect(&found.to);
        }
        // The bare address means the only thing that needs no name.
        let bare = means("");
        if self.channel.as_ref().is_some_and(|name| bare || means(name)) {
            return Found::Channel;
        }
        let alone = self.library.is_none();
        match &self.playlist {
            Some((name, playlist))
                if (bare && alone) || means(name) || means(without_extension(name)) =>
            {
                Found::Playlist(playlist)
            }
            _ => match self.library.as_ref().and_then(|library| library.find(asked)) {
                Some(path) => Found::Title(path),
                None => Found::Missing,
            },
        }
    }

    /// The name of what was found, as it stands in a URL; `None` for what is not here.
    pub(super) fn name(&self, found: &Found<'_>) -> Option<String> {
        match found {
            Found::Title(path) => self.library.as_ref().and_then(|library| library.name(path)),
            Found::Playlist(_) => {
                self.playlist.as_ref().map(|(name, _)| encoded(without_extension(name)))
            }
            Found::Channel => self.channel.as_deref().map(encoded),
            Found::Redirect(_) | Found::Missing => None,
        }
    }

    /// The path of everything as it stands in a URL.
    pub(super) fn list(&self) -> Vec<String> {
        let channel = self.channel.as_deref();
        let playlist = self.playlist.as_ref().map(|(name, _)| without_extension(name));
        let named = channel.into_iter().chain(playlist).map(encoded);
        let files = self.library.as_ref().map(Library::list).unwrap_or_default();
        named.chain(files).collect()
    }

    /// What to tell the person who runs the server.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let library = self.library.as_ref().map(Library::notes).unwrap_or_default();
        let playlist = self.playlist.as_ref().map(|(_, list)| list.notes()).unwrap_or_default();
        library.iter().chain(playlist).cloned()
    }

    /// Whether nothing is left to serve when what all players share has ended.
    pub(super) fn is_only_a_channel(&self) -> bool {
        self.channel.is_some() && self.library.is_none() && self.playlist.is_none()
    }
}

/// What a list is called in a URL. VLC looks by itself into what is named .m3u or .asx, finds media
/// there, and plays nothing.
fn without_extension(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CLIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips");

    fn redirects() -> Vec<Redirection> {
        vec![Redirection {
            from: "/old name.wmv".to_owned(),
            to: "mmst://other/new.wmv".to_owned(),
        }]
    }

    #[test]
    fn names_are_looked_up_in_every_spelling() {
        let library = Some(Library::open(Path::new(CLIPS)).unwrap());
        let catalog = Catalog { library, redirects: redirects(), ..Catalog::default() };
        for name in ["old name.wmv", "/old%20name.wmv", "old%20name.wmv?a=b"] {
            assert!(matches!(catalog.find(name), Found::Redirect("mmst://other/new.wmv")));
        }
        let found = catalog.find("/test%2Dpattern.wmv?x=y");
        assert!(matches!(found, Found::Title(_)));
        assert_eq!(catalog.name(&found).as_deref(), Some("test-pattern.wmv"));
        for name in ["", "old", "old name.wmvx", "%ff", "../old name.wmv"] {
            assert!(matches!(catalog.find(name), Found::Missing), "{name}");
        }
        assert!(!catalog.is_only_a_channel());
    }

    #[test]
    fn a_channel_has_a_name_and_the_bare_address() {
        let channel = Some("sub folder/live".to_owned());
        let catalog = Catalog { channel, ..Catalog::default() };
        for name in ["", "/", "sub folder/live", "sub%20folder/live?x"] {
            assert!(matches!(catalog.find(name), Found::Channel), "{name}");
        }
        assert!(matches!(catalog.find("live"), Found::Missing));
        assert_eq!(catalog.list(), ["sub%20folder/live"]);
        assert!(catalog.is_only_a_channel());
    }
    #[test]
    fn a_list_has_a_name_without_extension() {
        for (file, name) in
            [("list.m3u", "list"), ("a.b.asx", "a.b"), ("list", "list"), (".m3u", ".m3u")]
        {
            assert_eq!(without_extension(file), name);
        }
    }
}
