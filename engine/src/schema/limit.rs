//! What a schema may be at most. Schemas are input: everything that grows has a bound.

/// Size of a schema text, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Node and edge types of one graph.
pub const TYPES_MAX: usize = 1_000;
/// Properties of one type.
pub const PROPERTIES_MAX: usize = 1_000;
/// Variants of one enum.
pub const VARIANTS_MAX: usize = 1_000;
/// Length of the name of a type, a property or a variant, in bytes. Type names become part of a path.
pub const NAME_BYTES_MAX: usize = 100;
/// Dimension of a vector.
pub const VECTOR_DIMENSION_MAX: u32 = 65_536;
/// Mistakes reported at once; what follows is likely to be noise.
pub const ERRORS_MAX: usize = 100;
