//! The file of the embedded store: accounts by key, as JSON, in a redb database. Written in batches, each whole or not at all.

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::Serialize;
use serde::de::DeserializeOwned;

const ACCOUNTS: TableDefinition<&str, &[u8]> = TableDefinition::new("accounts");
const FILE: &str = "counters.redb";

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The folder cannot be made.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// Another process has it open, or it is no database, or the disk fails.
    #[error("{0}: {1}")]
    Database(PathBuf, Box<redb::Error>),
    /// What stands in it is of another version.
    #[error("{0}: {1}: {2}")]
    Unreadable(PathBuf, String, serde_json::Error),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Accounts {
    path: PathBuf,
    database: Database,
}

/// What is to be written of one account.
#[derive(Debug)]
pub(super) enum Change {
    Put(Vec<u8>),
    Delete,
}

impl Change {
    /// As it is to stand in the file.
    pub(super) fn put(value: &impl Serialize) -> Option<Self> {
        serde_json::to_vec(value).ok().map(Self::Put)
    }
}

impl Accounts {
    /// The file in this folder, made where there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| FileError::Folder(folder.to_owned(), error))?;
        let path = folder.join(FILE);
        let opened = Database::create(&path).map_err(redb::Error::from);
        let database = opened.map_err(|error| fault(&path, error))?;
        Ok(Self { path, database })
    }

    /// What stands under a key.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, FileError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = match self.database.begin_read()?.open_table(ACCOUNTS) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            Ok(table.get(key)?.map(|value| value.value().to_vec()))
        };
        let bytes = read().map_err(|error| fault(&self.path, error))?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes);
        value
            .map(Some)
            .map_err(|error| FileError::Unreadable(self.path.clone(), key.to_owned(), error))
    }

    /// All keys.
    pub(super) fn keys(&self) -> Result<Vec<String>, FileError> {
        let read = || -> Result<Vec<String>, redb::Error> {
            let table = match self.database.begin_read()?.open_table(ACCOUNTS) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut keys = Vec::new();
            for entry in table.iter()? {
                keys.push(entry?.0.value().to_owned());
            }
            Ok(keys)
        };
        read().map_err(|error| fault(&self.path, error))
    }

    /// Writes all of it, on the disk when this returns. Blocks.
    pub(super) fn write(&self, changes: &[(String, Change)]) -> Result<(), FileError> {
        let write = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(ACCOUNTS)?;
                for (key, change) in changes {
                    match change {
                        Change::Put(bytes) => table.insert(key.as_str(), bytes.as_slice())?,
                        Change::Delete => table.remove(key.as_str())?,
                    };
                }
            }
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| fault(&self.path, error))
    }
}

fn fault(path: &Path, error: redb::Error) -> FileError {
    FileError::Database(path.to_owned(), Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::open(folder.path()).unwrap();
        assert_eq!(accounts.get::<i64>("a").unwrap(), None);
        let changes = [
            ("a".to_owned(), Change::put(&7_i64).unwrap()),
            ("b".to_owned(), Change::put(&8_i64).unwrap()),
        ];
        accounts.write(&changes).unwrap();
        accounts.write(&[("a".to_owned(), Change::Delete)]).unwrap();
        drop(accounts);
        let accounts = Accounts::open(folder.path()).unwrap();
        assert_eq!(accounts.get::<i64>("a").unwrap(), None);
        assert_eq!(accounts.get::<i64>("b").unwrap(), Some(8));
        assert_eq!(accounts.keys().unwrap(), ["b"]);
    }

    #[test]
    fn a_second_process_is_turned_away() {
        let folder = tempfile::tempdir().unwrap();
        let _accounts = Accounts::open(folder.path()).unwrap();
        let second = Accounts::open(folder.path());
        assert!(matches!(second, Err(FileError::Database(..))));
    }
}
