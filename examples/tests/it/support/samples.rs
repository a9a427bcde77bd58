//! Real files, where they are.

use std::path::PathBuf;

/// All files of the samples in order; none without `MMS_SAMPLES`.
pub(crate) fn samples() -> Vec<PathBuf> {
    mms_tests::asf_samples().unwrap_or_default()
}
