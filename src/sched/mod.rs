//! Who runs which range when: chunk policies (`plan`), what earlier batches measured (`learn`), the record of finished
//! ranges (`ledger`) and the threads (`pool`).

pub mod learn;
pub mod ledger;
pub mod plan;
#[cfg(feature = "hybrid-exec")]
pub mod pool;
