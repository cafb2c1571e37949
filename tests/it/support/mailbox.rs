//! The mails of an app without a mail server: files in a folder.

use std::fs;

use super::TestApp;

/// A mail that was sent.
#[derive(Debug)]
pub struct Mail {
    /// Whom it went to.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl Mail {
    /// The token of the link in it.
    #[track_caller]
    pub fn token(&self) -> String {
        let (_, rest) = self.text.split_once("token=").expect("it holds a link");
        rest.split_whitespace().next().unwrap_or("").to_owned()
    }
}

impl TestApp {
    /// The mails that were sent so far, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let folder = self.app().handles.config.data_dir.join("mails");
        let Ok(files) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut files: Vec<_> = files.flatten().map(|file| file.path()).collect();
        files.sort();
        let read = |path| fs::read_to_string(path).expect("a mail is text");
        files.into_iter().map(|path| parse(&read(path))).collect()
    }

    /// The mail that was sent last to an address.
    #[track_caller]
    pub fn last_mail(&self, to: &str) -> Mail {
        let mut mails = self.mails();
        mails.retain(|mail| mail.to == to);
        mails.pop().expect("a mail was sent there")
    }
}

fn parse(text: &str) -> Mail {
    let (head, body) = text.split_once("\r\n\r\n").expect("a mail has a head");
    let header = |name: &str| {
        let mut lines = head.lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().to_owned()
    };
    let body = match head.contains("quoted-printable") {
        true => body.replace("=\r\n", "").replace("=3D", "="),
        false => body.to_owned(),
    };
    Mail {
        to: header("To: "),
        subject: header("Subject: "),
        text: body.replace("\r\n", "\n"),
    }
}
