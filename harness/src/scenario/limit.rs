//! How large a scenario may be. Scenario files are input from strangers.

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of lists and maps.
pub const DEPTH_MAX: usize = 32;
/// Most values in a file once its aliases are written out.
pub const VALUES_MAX: usize = 200_000;
/// Longest text, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Most steps.
pub const STEPS_MAX: usize = 500;
/// Most processes of a scenario: each is a process of the machine on most backends, with its own bound of memory.
pub const PROCESSES_MAX: usize = 8;
/// Most handles of a scenario, over all its processes.
pub const HANDLES_MAX: usize = 32;
/// Most rows in one step or in the setup, generated ones included.
pub const ROWS_MAX: usize = 10_000;
/// Most cases of one file.
pub const CASES_MAX: usize = 256;
/// Most values in all cases of one file together.
pub const CASES_VALUES_MAX: usize = 1_000_000;
/// Most rows of a whole scenario, generated ones included.
pub const ROWS_IN_ALL_MAX: usize = 100_000;
/// Most bytes that the generated rows of a whole scenario hold, as they would be written down.
pub const GENERATED_BYTES_MAX: usize = 32 << 20;
/// Most mistakes that are reported for one file.
pub const DIAGNOSTICS_MAX: usize = 100;
/// Longest name of a handle, a process, a background step, a fault or a damage, in characters.
pub const NAME_CHARS_MAX: usize = 32;
