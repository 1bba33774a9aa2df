//! Room on the disk of a folder.

use std::path::Path;

/// How much of the disk is used, of 1000; none where the system does not say.
#[cfg(unix)]
pub(crate) fn used(folder: &Path) -> Option<u32> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let used = disk.f_blocks.checked_sub(disk.f_bfree)?;
    // As df has it: what is kept for root is neither used nor free.
    let all = used.checked_add(disk.f_bavail).filter(|all| *all > 0)?;
    u32::try_from(u128::from(used) * 1_000 / u128::from(all)).ok()
}

/// How much of the disk is used, of 1000; none where the system does not say.
#[cfg(not(unix))]
pub(crate) fn used(_: &Path) -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::used;
    use std::path::Path;

    #[test]
    fn a_folder_has_a_disk_and_a_folder_that_is_not_there_has_none() {
        assert!(used(Path::new("/")).is_some_and(|used| (1..=1_000).contains(&used)));
        assert_eq!(used(Path::new("/nowhere")), None);
    }
}
