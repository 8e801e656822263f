"""Vector values inside kernels: a Numba type that is an LLVM vector, and the few operations that kernels need.

Numba's loops over lanes are at LLVM's mercy; a value of these types stays in registers. Only operations that LLVM has
on every machine are used, so the same code is right everywhere and as fast as the widest registers allow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import intrinsic, register_model

Emit = Callable[[Any, ir.IRBuilder, Any, Any], Any]


def operation(typing: Callable[..., tuple[Any, Emit]]) -> Any:
    """An operation of kernels, from a function that gives its signature and what emits its instructions."""
    return intrinsic(typing)


class Vector(types.Type):
    """`lanes` values of one number type side by side."""

    def __init__(self, element: types.Type, lanes: int) -> None:
        self.element = element
        self.lanes = lanes
        super().__init__(name=f"vector({element}, {lanes})")

    @property
    def key(self) -> tuple[types.Type, int]:
        return self.element, self.lanes


LLVM_ELEMENTS = {
    types.uint8: ir.IntType(8),
    types.uint16: ir.IntType(16),
    types.float32: ir.FloatType(),
}


@register_model(Vector)
class VectorModel(PrimitiveModel):
    """Lives in memory and registers as an LLVM vector."""

    def __init__(self, manager: Any, vector: Vector) -> None:
        kind = ir.VectorType(LLVM_ELEMENTS[vector.element], vector.lanes)
        super().__init__(manager, vector, kind)  # type: ignore[no-untyped-call]


def _pointer(context: Any, builder: ir.IRBuilder, array: types.Array, value: Any, index: Any, lanes: int) -> Any:
    """Pointer to `lanes` elements from `index` of a contiguous array, as a pointer to a vector."""
    data = context.make_array(array)(context, builder, value).data
    vector = ir.VectorType(LLVM_ELEMENTS[array.dtype], lanes)
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _loader(lanes: int) -> Any:
    @operation
    def load(typing: Any, array: types.Array, index: types.Integer) -> tuple[Any, Emit]:
        def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], lanes)
            loaded = builder.load(pointer)
            loaded.align = 1
            return loaded

        return Vector(array.dtype, lanes)(array, index), emit

    return load


load64 = _loader(64)  # load64(array, index): 64 elements of a flat array from `index`
load32 = _loader(32)


@operation
def store(typing: Any, array: types.Array, index: types.Integer, vector: Vector) -> tuple[Any, Emit]:
    """Write a vector to a flat array from `index`."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], vector.lanes)
        builder.store(arguments[2], pointer).align = 1
        return context.get_dummy_value()

    return types.void(array, index, vector), emit


def _splatter(element: types.Type, lanes: int) -> Any:
    @operation
    def splat(typing: Any, number: types.Number) -> tuple[Any, Emit]:
        def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            kind = ir.VectorType(LLVM_ELEMENTS[element], lanes)
            one = builder.insert_element(ir.Constant(kind, ir.Undefined), arguments[0], ir.IntType(32)(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

        return Vector(element, lanes)(element), emit

    return splat


bytes64 = _splatter(types.uint8, 64)  # bytes64(number): the number in every lane
shorts64 = _splatter(types.uint16, 64)
floats32 = _splatter(types.float32, 32)


@operation
def add(typing: Any, left: Vector, right: Vector) -> tuple[Any, Emit]:
    """Sum in each lane (integers wrap)."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return (builder.fadd if left.element is types.float32 else builder.add)(*arguments)

    return left(left, right), emit


@operation
def saturating_add(typing: Any, left: Vector, right: Vector) -> tuple[Any, Emit]:
    """Sum in each lane of unsigned integers, the largest value instead of an overflow."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = f"llvm.uadd.sat.v{left.lanes}i{kind.element.width}"
        function = builder.module.globals.get(name) or ir.Function(
            builder.module, ir.FunctionType(kind, [kind, kind]), name
        )
        return builder.call(function, arguments)

    return left(left, right), emit


@operation
def minimum(typing: Any, left: Vector, right: Vector) -> tuple[Any, Emit]:
    """Lower value in each lane of unsigned integers."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.icmp_unsigned("<", *arguments), *arguments)

    return left(left, right), emit


@operation
def lanes_at_most(typing: Any, left: Vector, right: Vector) -> tuple[Any, Emit]:
    """One bit per lane of 64 unsigned bytes, set where left <= right, lane 0 in the lowest bit."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.icmp_unsigned("<=", *arguments), ir.IntType(64))

    return types.uint64(left, right), emit


@operation
def top_bits(typing: Any, vector: Vector) -> tuple[Any, Emit]:
    """The highest bit of each of 64 bytes, lane 0 in the lowest bit."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        negative = builder.icmp_signed("<", arguments[0], ir.Constant(arguments[0].type, [0] * vector.lanes))
        return builder.bitcast(negative, ir.IntType(64))

    return types.uint64(vector), emit


@operation
def lanes_above(typing: Any, left: Vector, right: Vector) -> tuple[Any, Emit]:
    """One bit per lane of 32 floats, set where left > right, lane 0 in the lowest bit."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.fcmp_ordered(">", *arguments), ir.IntType(32))

    return types.uint32(left, right), emit


@operation
def where_bits(typing: Any, bits: types.Integer, vector: Vector) -> tuple[Any, Emit]:
    """The vector's value in lanes whose bit is set, zero in the others."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind = arguments[1].type
        mask = builder.bitcast(arguments[0], ir.VectorType(ir.IntType(1), vector.lanes))
        return builder.select(mask, arguments[1], ir.Constant(kind, [0.0] * vector.lanes))

    return vector(types.uint32, vector), emit


@operation
def above_zero(typing: Any, vector: Vector) -> tuple[Any, Emit]:
    """The larger of each lane's float and zero."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        zero = ir.Constant(arguments[0].type, [0.0] * vector.lanes)
        return builder.select(builder.fcmp_ordered(">", arguments[0], zero), arguments[0], zero)

    return vector(vector), emit


@operation
def narrow(typing: Any, vector: Vector, shift: Vector) -> tuple[Any, Emit]:
    """Bytes from 16-bit lanes shifted right by `shift` bits, 255 where they do not fit."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        shifted = builder.lshr(*arguments)
        most = ir.Constant(kind, [255] * vector.lanes)
        capped = builder.select(builder.icmp_unsigned("<", shifted, most), shifted, most)
        return builder.trunc(capped, ir.VectorType(ir.IntType(8), vector.lanes))

    return Vector(types.uint8, vector.lanes)(vector, shift), emit


@operation
def lowest_bit(typing: Any, bits: types.Integer) -> tuple[Any, Emit]:
    """Number of the lowest set bit of a 64-bit word that is not zero."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), emit
