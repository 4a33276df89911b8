"""Make the shop's pictures: every pot is modelled here and photographed by Blender's Cycles.

    pip install bpy pillow
    python studio/pictures.py shop/static/pictures [name ...]

The shop itself never imports this file. One unit is ten centimetres.
"""

# ruff: noqa: E501, RUF005
from __future__ import annotations

import math
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector
from PIL import Image

Point = tuple[float, float]
SAMPLES = 40
SCALE = 1.0
"""Below 1 the pictures are taken smaller and enlarged: quick, for looking at."""
SEGMENTS = 160

# name: (colour, colour where it breaks thin over an edge, roughness, amount of iron speckle)
GLAZES: dict[str, tuple[str, str, float, float]] = {
    "foam": ("#e9e2d3", "#b58a5e", 0.34, 1.0),
    "slack": ("#3f5d62", "#8d6a45", 0.24, 0.25),
    "kelp": ("#59623c", "#8c5a2d", 0.28, 0.45),
    "samphire": ("#a9bda3", "#9a7c52", 0.24, 0.35),
    "rust": ("#8d5039", "#3b2219", 0.38, 0.35),
    "night": ("#23262b", "#7a5233", 0.30, 0.15),
    "dawn": ("#d3aa9a", "#a4633f", 0.36, 0.6),
    "biscuit": ("#c9a27c", "#b98f69", 0.85, 0.5),
}
CLAY = "#b58f6b"


def linear(colour: str) -> tuple[float, float, float, float]:
    """Give an sRGB hex colour as linear RGBA."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return (r, g, b, 1.0)


# --- shapes -----------------------------------------------------------------


def spline(points: Sequence[Point], steps: int = 14) -> list[Point]:
    """Draw a Catmull-Rom curve through ``points``."""
    padded = [points[0], *points, points[-1]]
    out: list[Point] = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            t = step / steps
            out.append(
                tuple(  # type: ignore[arg-type]
                    0.5
                    * (
                        2 * b
                        + (c - a) * t
                        + (2 * a - 5 * b + 4 * c - d) * t * t
                        + (3 * b - a - 3 * c + d) * t**3
                    )
                    for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
                )
            )
    out.append(points[-1])
    return out


def wall(outer: Sequence[Point], thickness: float, foot: float = 0.05) -> list[Point]:
    """Turn an outer curve (foot to rim) into a closed section with a rounded rim and a foot."""
    curve = spline(outer)
    base = curve[0][0]
    section: list[Point] = [
        (0.0, foot * 0.8),
        (base - 0.16 if base > 0.3 else base * 0.5, foot * 0.8),
        (base - 0.12 if base > 0.3 else base * 0.62, 0.0),
        (base - 0.015, 0.0),
    ]
    section += curve
    normals: list[Point] = []
    for i in range(len(curve)):
        (ax, ay), (bx, by) = curve[max(i - 1, 0)], curve[min(i + 1, len(curve) - 1)]
        length = math.hypot(bx - ax, by - ay) or 1.0
        normals.append((-(by - ay) / length, (bx - ax) / length))
    (rx, ry), (nx, ny) = curve[-1], normals[-1]
    centre = (rx + nx * thickness / 2, ry + ny * thickness / 2)
    for step in range(1, 9):
        angle = math.pi * step / 9
        along = (ny, -nx)
        section.append(
            (
                centre[0]
                - nx * thickness / 2 * math.cos(angle)
                + along[0] * thickness / 2 * math.sin(angle),
                centre[1]
                - ny * thickness / 2 * math.cos(angle)
                + along[1] * thickness / 2 * math.sin(angle),
            )
        )
    floor = foot + thickness * 0.9
    inner = [
        (r + n[0] * thickness, z + n[1] * thickness)
        for (r, z), n in zip(reversed(curve), reversed(normals), strict=True)
    ]
    kept = [(r, z) for r, z in inner if z > floor + 0.015 and r > 0.01]
    section += kept
    section += [(kept[-1][0] * 0.93, floor + 0.004), (kept[-1][0] * 0.6, floor), (0.0, floor)]
    return section


def lathe(
    name: str,
    section: Sequence[Point],
    material: Any,
    *,
    wobble: float = 0.006,
    seed: int = 1,
    shape: Callable[[float, float, float], tuple[float, float]] | None = None,
) -> Any:
    """Revolve ``section``; ``shape(angle, r, z)`` may push a vertex to ``(r, z)``."""
    dice = random.Random(seed)
    phases = [dice.uniform(0, 6.28) for _ in range(3)]
    top = max(z for _, z in section) or 1.0
    vertices: list[tuple[float, float, float]] = []
    for r, z in section:
        for i in range(SEGMENTS):
            a = 2 * math.pi * i / SEGMENTS
            lean = wobble * (
                math.sin(2 * a + phases[0]) * z / top + 0.5 * math.sin(3 * a + phases[1] + 2 * z)
            )
            rr, zz = r * (1 + lean), z * (1 + wobble * 0.5 * math.sin(a + phases[2]))
            if shape is not None:
                rr, zz = shape(a if a <= math.pi else a - 2 * math.pi, rr, zz)
            vertices.append((rr * math.cos(a), rr * math.sin(a), zz))
    faces = []
    for j in range(len(section) - 1):
        for i in range(SEGMENTS):
            k = (i + 1) % SEGMENTS
            faces.append(
                (j * SEGMENTS + i, j * SEGMENTS + k, (j + 1) * SEGMENTS + k, (j + 1) * SEGMENTS + i)
            )
    return mesh(name, vertices, faces, material)


def sweep(
    name: str,
    path: Sequence[tuple[float, float, float]],
    radii: Sequence[float],
    material: Any,
    *,
    flat: float = 1.0,
    sides: int = 32,
) -> Any:
    """Sweep an ellipse along ``path``; ``flat`` widens it across the path's plane."""
    points = [Vector(p) for p in path]
    vertices, faces = [], []
    previous = Vector((0, 1, 0))
    for n, point in enumerate(points):
        tangent = (points[min(n + 1, len(points) - 1)] - points[max(n - 1, 0)]).normalized()
        across = previous - tangent * previous.dot(tangent)
        if across.length < 1e-4:
            across = tangent.orthogonal()
        across.normalize()
        previous = across
        up = tangent.cross(across)
        for i in range(sides):
            a = 2 * math.pi * i / sides
            offset = across * math.cos(a) * radii[n] * flat + up * math.sin(a) * radii[n]
            vertices.append(tuple(point + offset))
    for j in range(len(points) - 1):
        for i in range(sides):
            k = (i + 1) % sides
            faces.append((j * sides + i, j * sides + k, (j + 1) * sides + k, (j + 1) * sides + i))
    faces.append(tuple(range(sides)))
    faces.append(tuple(range((len(points) - 1) * sides, len(points) * sides)))
    return mesh(name, vertices, faces, material)


def bend(
    points: Sequence[tuple[float, float, float]], steps: int = 16
) -> list[tuple[float, float, float]]:
    """Draw a smooth path through points in space."""
    xz = spline([(p[0], p[2]) for p in points], steps)
    xy = spline([(p[0], p[1]) for p in points], steps)
    return [(a[0], b[1], a[1]) for a, b in zip(xz, xy, strict=True)]


def mesh(name: str, vertices: Any, faces: Any, material: Any) -> Any:
    """Add a smooth mesh to the scene."""
    data = bpy.data.meshes.new(name)
    data.from_pydata(vertices, [], faces)
    data.validate()
    for polygon in data.polygons:
        polygon.use_smooth = True
    thing = bpy.data.objects.new(name, data)
    thing.data.materials.append(material)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def group(
    parts: Sequence[Any], x: float, y: float, z: float = 0.0, turn: float = 0.0, lean: float = 0.0
) -> Any:
    """Hold ``parts`` together and place them."""
    holder = bpy.data.objects.new("holder", None)
    bpy.context.scene.collection.objects.link(holder)
    for part in parts:
        part.parent = holder
    holder.location = (x, y, z)
    holder.rotation_euler = (lean, 0, turn)
    return holder


# --- materials --------------------------------------------------------------


class Nodes:
    """A short way to write a material's nodes."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]

    def add(self, kind: str, inputs: dict[Any, Any] | None = None, **settings: Any) -> Any:
        """Add a node; an input that is a socket is linked."""
        node = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.set(node, key, value)
        return node

    def set(self, node: Any, key: Any, value: Any) -> None:
        """Set or link one input."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, node.inputs[key])
        else:
            node.inputs[key].default_value = value

    def ramp(self, value: Any, low: float, high: float) -> Any:
        """Map ``low``…``high`` to 0…1, clamped."""
        node = self.add("ShaderNodeMapRange", {0: value, 1: low, 2: high, 3: 0.0, 4: 1.0})
        node.interpolation_type = "SMOOTHSTEP"
        return node.outputs[0]

    def maths(self, operation: str, a: Any, b: Any) -> Any:
        """Combine two values."""
        return self.add("ShaderNodeMath", {0: a, 1: b}, operation=operation).outputs[0]

    def mix(self, factor: Any, a: Any, b: Any) -> Any:
        """Mix two colours."""
        node = self.add("ShaderNodeMix", data_type="RGBA")
        self.set(node, 0, factor)
        self.set(node, 6, a)
        self.set(node, 7, b)
        return node.outputs[2]


def glaze(name: str, *, top: float, dip: float = 0.12, inside: str | None = None) -> Any:
    """Mix a glaze: raw clay under the dip line, speckle, and a break of colour at the rim.

    ``top`` is the rim's height, ``dip`` the height of the raw foot.
    """
    colour, edge, roughness, speckle = GLAZES[name]
    n = Nodes(name)
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    height = n.add("ShaderNodeSeparateXYZ", {0: place}).outputs[2]
    cloud = n.add("ShaderNodeTexNoise", {"Vector": place, "Scale": 2.2, "Detail": 4.0}).outputs[0]
    fine = n.add("ShaderNodeTexNoise", {"Vector": place, "Scale": 34.0, "Detail": 2.0}).outputs[0]
    deep = linear(colour)
    pale = tuple(min(1.0, c * 1.22 + 0.012) for c in deep[:3]) + (1.0,)
    dark = tuple(c * 0.72 for c in deep[:3]) + (1.0,)
    body = n.mix(n.ramp(cloud, 0.32, 0.68), dark, pale)
    body = n.mix(0.45, body, deep)

    rim = n.ramp(n.maths("ADD", height, n.maths("MULTIPLY", cloud, 0.05)), top - 0.035, top + 0.03)
    body = n.mix(n.maths("MULTIPLY", rim, 0.85), body, linear(edge))

    for scale, size, strength in ((13.0, 0.11, 0.8), (30.0, 0.14, 0.65)):
        cells = n.add("ShaderNodeTexVoronoi", {"Vector": place, "Scale": scale, "Randomness": 1.0})
        chosen = n.add("ShaderNodeSeparateColor", {0: cells.outputs["Color"]}).outputs[0]
        dot = n.maths("SUBTRACT", 1.0, n.ramp(cells.outputs["Distance"], size * 0.35, size))
        wanted = n.ramp(chosen, 1.0 - 0.55 * speckle, 1.0 - 0.55 * speckle + 0.05)
        spots = n.maths("MULTIPLY", n.maths("MULTIPLY", dot, wanted), strength)
        body = n.mix(spots, body, linear("#4a3222"))

    wave = n.maths("ADD", height, n.maths("MULTIPLY", n.maths("SUBTRACT", cloud, 0.5), 0.10))
    raw = n.maths("SUBTRACT", 1.0, n.ramp(wave, dip - 0.006, dip + 0.006))
    clay = n.mix(n.ramp(fine, 0.35, 0.7), linear(CLAY), linear("#9d7450"))
    n.set(n.shader, "Base Color", n.mix(raw, body, clay))
    n.set(
        n.shader,
        "Roughness",
        n.add("ShaderNodeMapRange", {0: raw, 3: roughness, 4: 0.9}).outputs[0],
    )
    n.set(n.shader, "IOR", 1.52)
    n.set(
        n.shader, "Coat Weight", n.add("ShaderNodeMapRange", {0: raw, 3: 0.35, 4: 0.0}).outputs[0]
    )
    n.set(n.shader, "Coat Roughness", 0.18)

    rings = n.add(
        "ShaderNodeTexWave",
        {"Vector": place, "Scale": 3.1, "Distortion": 1.6, "Detail": 1.0, "Detail Scale": 0.6},
        bands_direction="Z",
    ).outputs[1]
    relief = n.maths("ADD", n.maths("MULTIPLY", rings, 0.55), n.maths("MULTIPLY", fine, 0.3))
    bump = n.add("ShaderNodeBump", {"Strength": 0.16, "Distance": 0.05, "Height": relief})
    n.set(n.shader, "Normal", bump.outputs[0])
    return n.material


def plain(colour: str, roughness: float = 0.9, grain: float = 0.0, scale: float = 3.0) -> Any:
    """Mix plaster, paper or paint."""
    n = Nodes(colour)
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    noise = n.add(
        "ShaderNodeTexNoise", {"Vector": place, "Scale": scale, "Detail": 9.0, "Roughness": 0.62}
    ).outputs[0]
    base = linear(colour)
    low = tuple(c * (1 - grain) for c in base[:3]) + (1.0,)
    high = tuple(min(1.0, c * (1 + grain)) for c in base[:3]) + (1.0,)
    n.set(n.shader, "Base Color", n.mix(n.ramp(noise, 0.3, 0.7), low, high))
    n.set(n.shader, "Roughness", roughness)
    if grain:
        bump = n.add("ShaderNodeBump", {"Strength": 0.12, "Distance": 0.04, "Height": noise})
        n.set(n.shader, "Normal", bump.outputs[0])
    return n.material


def wood(colour: str = "#8a6443") -> Any:
    """Mix a board's wood."""
    n = Nodes("wood")
    place = n.add("ShaderNodeTexCoord").outputs["Object"]
    stretched = n.add("ShaderNodeMapping", {0: place, 3: (0.35, 6.0, 6.0)}).outputs[0]
    noise = n.add(
        "ShaderNodeTexNoise", {"Vector": stretched, "Scale": 2.4, "Detail": 8.0, "Distortion": 0.8}
    ).outputs[0]
    base = linear(colour)
    dark = tuple(c * 0.55 for c in base[:3]) + (1.0,)
    n.set(n.shader, "Base Color", n.mix(n.ramp(noise, 0.35, 0.65), dark, base))
    n.set(n.shader, "Roughness", 0.55)
    bump = n.add("ShaderNodeBump", {"Strength": 0.15, "Distance": 0.02, "Height": noise})
    n.set(n.shader, "Normal", bump.outputs[0])
    return n.material


# --- pots -------------------------------------------------------------------


def cove_bowl(colour: str = "foam") -> list[Any]:
    """Breakfast bowl."""
    outer = [(0.36, 0.0), (0.37, 0.06), (0.52, 0.16), (0.70, 0.38), (0.78, 0.62), (0.80, 0.74)]
    return [lathe("cove", wall(outer, 0.055), glaze(colour, top=0.75, dip=0.10), seed=3)]


def shoal_plate(colour: str = "foam", seed: int = 5) -> list[Any]:
    """Dinner plate with an upright lip."""
    outer = [(0.85, 0.0), (0.88, 0.04), (1.10, 0.06), (1.26, 0.10), (1.33, 0.20), (1.345, 0.25)]
    return [
        lathe(
            "shoal",
            wall(outer, 0.05, 0.03),
            glaze(colour, top=0.26, dip=0.025),
            wobble=0.004,
            seed=seed,
        )
    ]


def ledge_bowl(colour: str = "slack", seed: int = 7) -> list[Any]:
    """Pasta bowl with a wide ledge."""
    outer = [
        (0.45, 0.0),
        (0.46, 0.05),
        (0.62, 0.10),
        (0.74, 0.28),
        (0.84, 0.36),
        (1.10, 0.42),
        (1.18, 0.44),
    ]
    return [lathe("ledge", wall(outer, 0.05), glaze(colour, top=0.46, dip=0.045), seed=seed)]


def pinch_bowl(colour: str, seed: int, size: float = 1.0) -> list[Any]:
    """Small bowl for salt."""
    s = size
    outer = [
        (0.2 * s, 0.0),
        (0.21 * s, 0.04),
        (0.32 * s, 0.10 * s),
        (0.41 * s, 0.26 * s),
        (0.43 * s, 0.38 * s),
    ]
    return [
        lathe(
            "pinch",
            wall(outer, 0.045),
            glaze(colour, top=0.385 * s, dip=0.07),
            seed=seed,
            wobble=0.012,
        )
    ]


def limpet_bowl(colour: str = "samphire") -> list[Any]:
    """Large serving bowl with fluted sides."""

    def flutes(a: float, r: float, z: float) -> tuple[float, float]:
        depth = (
            0.020 * min(1.0, max(0.0, (z - 0.10) / 0.25)) * min(1.0, max(0.0, (0.93 - z) / 0.12))
        )
        return (r * (1 - depth * (0.5 + 0.5 * math.cos(36 * a))) if r > 0.45 else r, z)

    outer = [(0.48, 0.0), (0.49, 0.06), (0.70, 0.14), (1.02, 0.42), (1.20, 0.76), (1.27, 0.94)]
    return [
        lathe("limpet", wall(outer, 0.06), glaze(colour, top=0.955, dip=0.10), seed=9, shape=flutes)
    ]


def harbour_mug(colour: str = "slack", seed: int = 11) -> list[Any]:
    """Mug with a strap handle."""
    material = glaze(colour, top=0.92, dip=0.13)
    outer = [(0.36, 0.0), (0.385, 0.05), (0.42, 0.25), (0.415, 0.55), (0.40, 0.80), (0.41, 0.92)]
    path = bend(
        [
            (0.37, 0, 0.76),
            (0.52, 0, 0.80),
            (0.69, 0, 0.68),
            (0.70, 0, 0.45),
            (0.58, 0, 0.28),
            (0.38, 0, 0.24),
        ]
    )
    radii = [0.046 + 0.014 * abs(2 * i / (len(path) - 1) - 1) ** 3 for i in range(len(path))]
    return [
        lathe("mug", wall(outer, 0.045), material, seed=seed),
        sweep("handle", path, radii, material, flat=1.75),
    ]


def tumbler(colour: str, seed: int) -> list[Any]:
    """Small cup without a handle."""
    outer = [(0.22, 0.0), (0.24, 0.04), (0.29, 0.22), (0.315, 0.44), (0.325, 0.56)]
    return [
        lathe(
            "tumbler",
            wall(outer, 0.036),
            glaze(colour, top=0.565, dip=0.17),
            seed=seed,
            wobble=0.010,
        )
    ]


def teapot(colour: str = "night") -> list[Any]:
    """Teapot with a hooped handle."""
    material = glaze(colour, top=9.0, dip=0.09)
    lid_material = glaze(colour, top=9.0, dip=-1.0)
    outer = [
        (0.42, 0.0),
        (0.45, 0.05),
        (0.68, 0.22),
        (0.79, 0.50),
        (0.72, 0.80),
        (0.50, 0.98),
        (0.33, 1.03),
    ]
    lid = [(0.0, 1.0), (0.33, 1.015), (0.37, 1.035), (0.35, 1.065), (0.2, 1.11), (0.085, 1.135), (0.06, 1.17),
           (0.10, 1.22), (0.105, 1.255), (0.06, 1.285), (0.0, 1.29)]  # fmt: skip
    spout = bend(
        [(-0.62, 0, 0.36), (-0.86, 0, 0.50), (-0.98, 0, 0.72), (-1.12, 0, 0.93), (-1.20, 0, 0.98)]
    )
    widths = [0.165 - 0.10 * (i / (len(spout) - 1)) ** 0.7 for i in range(len(spout))]
    hoop = bend(
        [
            (-0.52, 0, 0.92),
            (-0.60, 0, 1.25),
            (-0.40, 0, 1.62),
            (0, 0, 1.75),
            (0.40, 0, 1.62),
            (0.60, 0, 1.25),
            (0.52, 0, 0.92),
        ]
    )
    return [
        lathe("pot", wall(outer, 0.05), material, seed=13),
        lathe("lid", spline(lid, 6), lid_material, seed=14, wobble=0.002),
        sweep("spout", spout, widths, material),
        sweep("hoop", hoop, [0.042] * len(hoop), wood("#a57a4f")),
    ]


def jug(colour: str = "foam", seed: int = 15) -> list[Any]:
    """Pitcher with a pulled spout."""
    material = glaze(colour, top=1.64, dip=0.16)

    def pull(a: float, r: float, z: float) -> tuple[float, float]:
        side = abs(abs(a) - math.pi)  # the spout points to -x
        amount = math.exp(-((side / 0.36) ** 2)) * min(1.0, max(0.0, (z - 1.22) / 0.42)) ** 1.6
        return r + 0.17 * amount, z + 0.05 * amount

    outer = [
        (0.42, 0.0),
        (0.45, 0.05),
        (0.60, 0.35),
        (0.63, 0.65),
        (0.50, 1.05),
        (0.40, 1.35),
        (0.42, 1.55),
        (0.46, 1.64),
    ]
    path = bend(
        [
            (0.40, 0, 1.42),
            (0.58, 0, 1.50),
            (0.84, 0, 1.36),
            (0.90, 0, 1.02),
            (0.78, 0, 0.72),
            (0.58, 0, 0.58),
        ]
    )
    radii = [0.052 + 0.018 * abs(2 * i / (len(path) - 1) - 1) ** 3 for i in range(len(path))]
    return [
        lathe("jug", wall(outer, 0.05), material, seed=seed, shape=pull),
        sweep("handle", path, radii, material, flat=1.6),
    ]


def mast_vase(colour: str = "night", seed: int = 17) -> list[Any]:
    """Tall bottle."""
    outer = [
        (0.36, 0.0),
        (0.39, 0.05),
        (0.55, 0.40),
        (0.57, 0.80),
        (0.40, 1.18),
        (0.17, 1.45),
        (0.125, 1.80),
        (0.135, 2.12),
        (0.20, 2.26),
    ]
    return [lathe("mast", wall(outer, 0.04), glaze(colour, top=2.27, dip=0.22), seed=seed)]


def moon_jar(colour: str = "foam", seed: int = 19) -> list[Any]:
    """Round jar with a short neck."""
    outer = [
        (0.42, 0.0),
        (0.45, 0.04),
        (0.78, 0.30),
        (1.01, 0.78),
        (0.94, 1.32),
        (0.62, 1.72),
        (0.42, 1.82),
        (0.42, 1.92),
        (0.46, 1.97),
    ]
    return [lathe("moon", wall(outer, 0.05), glaze(colour, top=1.975, dip=0.12), seed=seed)]


def bud_vase(colour: str = "rust", seed: int = 21) -> list[Any]:
    """Vase for a single stem."""
    outer = [
        (0.22, 0.0),
        (0.25, 0.03),
        (0.40, 0.20),
        (0.42, 0.38),
        (0.26, 0.58),
        (0.10, 0.70),
        (0.085, 0.84),
        (0.13, 0.93),
    ]
    return [lathe("bud", wall(outer, 0.03), glaze(colour, top=0.935, dip=0.09), seed=seed)]


def planter(colour: str = "kelp") -> list[Any]:
    """Planter on its saucer."""
    outer = [
        (0.46, 0.0),
        (0.48, 0.04),
        (0.56, 0.30),
        (0.64, 0.70),
        (0.68, 0.92),
        (0.70, 0.96),
        (0.70, 1.06),
    ]
    saucer = [(0.56, 0.0), (0.60, 0.02), (0.70, 0.06), (0.74, 0.13)]
    pot = lathe("planter", wall(outer, 0.06), glaze(colour, top=1.07, dip=0.30), seed=23)
    pot.location.z = 0.07
    soil = lathe(
        "soil", [(0.0, 0.90), (0.3, 0.92), (0.62, 0.90)], plain("#2c2019", 1.0, 0.5, 20), seed=24
    )
    soil.location.z = 0.07
    return [
        pot,
        soil,
        lathe("saucer", wall(saucer, 0.045, 0.02), glaze(colour, top=0.14, dip=0.03), seed=25),
    ]


def candle_holder(colour: str, seed: int) -> list[Any]:
    """Candlestick with a pan."""
    material = glaze(colour, top=0.42, dip=0.03)
    pan = [(0.40, 0.0), (0.42, 0.02), (0.52, 0.05), (0.57, 0.15)]
    stem = [(0.15, 0.03), (0.12, 0.15), (0.11, 0.28), (0.15, 0.38), (0.155, 0.42)]
    wax = [(0.0, 0.35), (0.088, 0.35), (0.086, 1.30), (0.07, 1.335), (0.0, 1.32)]
    wick = [(0, 0, 1.3), (0.005, 0, 1.36), (0.018, 0, 1.40)]
    return [
        lathe("pan", wall(pan, 0.04, 0.02), material, seed=seed),
        lathe("stem", wall(stem, 0.05, 0.03), material, seed=seed + 1),
        lathe("wax", wax, plain("#efe6d2", 0.45), wobble=0.002, seed=seed),
        sweep("wick", wick, [0.008, 0.008, 0.006], plain("#3a332c"), sides=8),
    ]


# --- plants -----------------------------------------------------------------


def leaf(
    at: Vector, along: Vector, size: float, material: Any, dice: random.Random, width: float = 0.34
) -> Any:
    """Add one folded leaf or petal."""
    along = along.normalized()
    side = along.cross(Vector((dice.uniform(-0.4, 0.4), dice.uniform(-0.4, 0.4), 1))).normalized()
    up = side.cross(along)
    rows, vertices, faces = 9, [], []
    for i in range(rows):
        t = i / (rows - 1)
        half = width * size * math.sin(math.pi * min(t * 0.94 + 0.03, 1.0)) ** 0.8
        droop = -0.28 * size * t * t
        for s in (-1.0, 0.0, 1.0):
            lift = abs(s) * half * 0.35
            vertices.append(
                tuple(at + along * (t * size) + side * (s * half) + up * (droop + lift))
            )
    for i in range(rows - 1):
        for j in range(2):
            a = i * 3 + j
            faces.append((a, a + 1, a + 4, a + 3))
    return mesh("leaf", vertices, faces, material)


def branch(
    start: tuple[float, float, float],
    heading: tuple[float, float, float],
    length: float,
    *,
    seed: int,
    leaves: str | None = "#5f7040",
    blossom: str | None = None,
    bark: str = "#4d3a2c",
    leaf_size: float = 0.22,
    every: int = 3,
) -> None:
    """Grow a branch with leaves or blossom."""
    dice = random.Random(seed)
    bark_material = plain(bark, 0.85, 0.3, 14)
    leaf_material = plain(leaves, 0.55, 0.18, 6) if leaves else None
    petal_material = plain(blossom, 0.6, 0.05) if blossom else None
    heart_material = plain("#d8a53a", 0.7)

    def grow(at: Vector, way: Vector, remaining: float, thick: float, depth: int) -> None:
        steps = max(5, int(remaining / 0.075))
        path, radii = [at.copy()], [thick]
        for i in range(steps):
            way = (
                way
                + Vector(
                    (
                        dice.uniform(-0.16, 0.16),
                        dice.uniform(-0.16, 0.16),
                        dice.uniform(-0.10, 0.13),
                    )
                )
            ).normalized()
            at = at + way * (remaining / steps)
            path.append(at.copy())
            radii.append(thick * (1 - 0.75 * (i + 1) / steps))
            if i > steps * 0.22 and i % every == 0:
                side = Vector((dice.uniform(-1, 1), dice.uniform(-1, 1), dice.uniform(-0.2, 0.9)))
                if leaf_material is not None:
                    leaf(
                        at,
                        way * 0.7 + side,
                        leaf_size * dice.uniform(0.65, 1.15),
                        leaf_material,
                        dice,
                    )
                if petal_material is not None and dice.random() < 0.9:
                    flower(at + side * 0.03, side + way * 0.3, 0.105 * dice.uniform(0.7, 1.2))
            if depth and i > steps * 0.25 and dice.random() < 0.17:
                split = (
                    way + Vector((dice.uniform(-0.9, 0.9), dice.uniform(-0.9, 0.9), 0.3))
                ).normalized()
                grow(
                    at.copy(), split, remaining * dice.uniform(0.3, 0.5), radii[-1] * 0.7, depth - 1
                )
        sweep("twig", [tuple(p) for p in path], radii, bark_material, sides=10)

    def flower(at: Vector, way: Vector, size: float) -> None:
        way = way.normalized()
        one = way.orthogonal().normalized()
        two = way.cross(one)
        for k in range(5):
            a = 2 * math.pi * k / 5 + dice.uniform(-0.15, 0.15)
            out = one * math.cos(a) + two * math.sin(a) + way * 0.35
            leaf(at, out, size, petal_material, dice, width=0.46)
        bpy.ops.mesh.primitive_uv_sphere_add(
            radius=size * 0.17, location=tuple(at + way * size * 0.12), segments=12, ring_count=8
        )
        bpy.context.object.data.materials.append(heart_material)

    grow(Vector(start), Vector(heading).normalized(), length, 0.022, 2)


# --- set --------------------------------------------------------------------


def empty() -> None:
    """Clear the set."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def backdrop(colour: str, grain: float = 0.05) -> None:
    """Hang a sweep of plaster-coloured paper."""
    profile = [(-9.0, 0.0), (2.2, 0.0)]
    profile += [
        (2.2 + 1.6 * math.sin(a), 1.6 - 1.6 * math.cos(a))
        for a in [math.pi / 2 * i / 16 for i in range(1, 17)]
    ]
    profile += [(3.8, 12.0)]
    vertices = [(x, y, z) for y, z in profile for x in (-14.0, 14.0)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(profile) - 1)]
    mesh("backdrop", vertices, faces, plain(colour, 0.92, grain, 1.3))


def block(
    x: float,
    y: float,
    z: float,
    width: float,
    depth: float,
    height: float,
    material: Any,
    turn: float = 0.0,
) -> None:
    """Put a block with softened edges on the set; ``z`` is its foot."""
    bpy.ops.mesh.primitive_cube_add(size=1, location=(x, y, z + height / 2), rotation=(0, 0, turn))
    thing = bpy.context.object
    thing.scale = (width, depth, height)
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    bevel = thing.modifiers.new("soft", "BEVEL")
    bevel.width, bevel.segments = 0.02, 4
    thing.data.materials.append(material)


def light(
    kind: str,
    at: tuple[float, float, float],
    to: tuple[float, float, float],
    energy: float,
    size: float,
    colour: str = "#ffffff",
) -> None:
    """Set up a lamp."""
    data = bpy.data.lights.new("lamp", kind)
    data.energy = energy
    data.color = linear(colour)[:3]
    if kind == "SUN":
        data.angle = size
    else:
        data.size = size
    lamp = bpy.data.objects.new("lamp", data)
    lamp.location = at
    lamp.rotation_euler = (Vector(to) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(lamp)


def sky(colour: str, strength: float) -> None:
    """Fill the room with even light."""
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    node = world.node_tree.nodes["Background"]
    node.inputs[0].default_value = linear(colour)
    node.inputs[1].default_value = strength


def window(
    sun: float,
    *,
    way: tuple[float, float, float] = (-6.0, -4.2, 5.0),
    left: float = -1.5,
    right: float = 1.6,
    low: float = -2.4,
    high: float = 2.4,
) -> None:
    """Let a low sun in through a window with bars; the sides are of its opening."""
    light("SUN", way, (0, 0, 0), sun, math.radians(1.0), "#ffe9cf")
    frame = plain("#201c18")
    towards = Vector(way).normalized()
    centre = Vector((0, 0, 0.9)) + towards * 9.0
    turn = towards.to_track_quat("Z", "Y")
    wide, tall, far = right - left, high - low, 30.0
    bars = [
        (left - far, left, -far, far),
        (right, right + far, -far, far),
        (left, right, high, far),
        (left, right, -far, low),
        (left + wide * 0.5 - 0.07, left + wide * 0.5 + 0.07, low, high),
        *((left, right, low + tall * at - 0.06, low + tall * at + 0.06) for at in (0.36, 0.70)),
    ]
    for x0, x1, y0, y1 in bars:
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        mesh(
            "bar",
            [tuple(centre + turn @ Vector((a, b, 0))) for a, b in corners],
            [(0, 1, 2, 3)],
            frame,
        )


def shoot(
    name: str,
    folder: Path,
    *,
    size: tuple[int, int],
    at: tuple[float, float, float],
    to: tuple[float, float, float],
    lens: float = 85.0,
    blur: float = 0.0,
    exposure: float = 0.0,
    widths: Sequence[int] = (360, 720),
    quality: int = 82,
) -> None:
    """Take the picture and write it as WebP in each of ``widths``."""
    scene = bpy.context.scene
    data = bpy.data.cameras.new("camera")
    data.lens = lens
    if blur:
        data.dof.use_dof = True
        data.dof.focus_distance = (Vector(to) - Vector(at)).length
        data.dof.aperture_fstop = blur
    camera = bpy.data.objects.new("camera", data)
    camera.location = at
    camera.rotation_euler = (Vector(to) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.03
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 5
    scene.cycles.seed = 7
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Base Contrast"
    scene.view_settings.exposure = exposure
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = round(100 * SCALE)
    with tempfile.TemporaryDirectory() as scratch:
        scene.render.filepath = str(Path(scratch) / "picture.png")
        bpy.ops.render.render(write_still=True)
        picture = Image.open(scene.render.filepath).convert("RGB")
        for width in widths:
            height = round(width * size[1] / size[0])
            small = picture.resize((width, height), Image.Resampling.LANCZOS)
            small.save(folder / f"{name}-{width}.webp", quality=quality, method=6)


def portrait(
    name: str,
    folder: Path,
    colour: str,
    build: Callable[[], None],
    *,
    wide: float,
    middle: float,
    pitch: float = 14.0,
) -> None:
    """Photograph one product: soft window light from the left, ``wide`` units across."""
    empty()
    backdrop(colour)
    build()
    sky("#f3efe8", 0.55)
    light("AREA", (-3.6, -2.2, 3.6), (0, 0, 0.6), 330, 2.6, "#fff1de")
    light("AREA", (3.8, -2.6, 1.8), (0, 0, 0.6), 38, 3.0, "#e4ecf5")
    lens = 90.0
    distance = wide * lens / 36.0 * 1.0
    angle = math.radians(pitch)
    at = (0.0, -distance * math.cos(angle), middle + distance * math.sin(angle))
    shoot(
        name, folder, size=(720, 900), at=at, to=(0, 0, middle), lens=lens, blur=5.6, exposure=0.4
    )


# --- pictures ---------------------------------------------------------------

SAND, CHALK, CLAY_PINK, SAGE, SLATE, DUSK = (
    "#d6c8b2",
    "#e3dccf",
    "#cfa78f",
    "#aeb39d",
    "#93a0a1",
    "#bcaea3",
)


def _place(
    parts: list[Any], x: float = 0.0, y: float = 0.0, z: float = 0.0, turn: float = 0.0
) -> None:
    group(parts, x, y, z, turn)


def _stack(count: int, step: float, make: Callable[[int], list[Any]]) -> Callable[[], None]:
    def build() -> None:
        for i in range(count):
            _place(make(i), 0.02 * math.sin(i * 2.1), 0.02 * math.cos(i * 1.7), i * step, i * 1.3)

    return build


def _pinch() -> None:
    for colour, seed, x, y in (
        ("foam", 31, -0.52, 0.1),
        ("dawn", 32, 0.18, 0.42),
        ("slack", 33, 0.42, -0.42),
    ):
        _place(pinch_bowl(colour, seed), x, y)


def _tumblers() -> None:
    _place(tumbler("dawn", 41), -0.36, -0.08)
    _place(tumbler("foam", 42), 0.36, 0.22)
    _place(tumbler("foam", 43), 0.355, 0.215, 0.34, 0.8)


def _bud() -> None:
    _place(bud_vase("rust"))
    branch((0, 0, 0.5), (0.16, -0.05, 1.0), 1.32, seed=5, leaves="#6d7a4c", leaf_size=0.26, every=3)


def _moon() -> None:
    _place(moon_jar("foam"))


def _mast() -> None:
    _place(mast_vase("night"))
    branch((0.02, 0, 1.95), (-0.10, 0.0, 1.0), 1.25, seed=8, leaves=None, bark="#6b5442")


def _planter() -> None:
    _place(planter("kelp"))
    dice = random.Random(4)
    green = plain("#4f6b3c", 0.5, 0.2, 5)
    for _ in range(30):
        a, up = dice.uniform(0, 6.28), dice.uniform(0.5, 1.5)
        leaf(
            Vector((0.12 * math.cos(a), 0.12 * math.sin(a), 0.95)),
            Vector((math.cos(a), math.sin(a), up)),
            dice.uniform(0.55, 1.05),
            green,
            dice,
            width=0.14,
        )


def _candles() -> None:
    _place(candle_holder("samphire", 51), -0.42, 0.25)
    _place(candle_holder("rust", 53), 0.44, -0.25)


def _platter_set() -> None:
    _stack(4, 0.085, lambda i: shoal_plate("foam", 60 + i))()


def hero(folder: Path) -> None:
    """The collection on a plaster ledge in the evening sun."""
    empty()
    backdrop("#cbb59c", 0.07)
    plaster, pale = plain("#d8c6ae", 0.92, 0.06, 2.0), plain("#b98e72", 0.92, 0.06, 2.0)
    block(2.55, 0.9, 0, 1.9, 1.5, 1.0, plaster)
    block(0.85, 0.75, 0, 1.25, 1.25, 0.46, pale, 0.1)
    _place(moon_jar("foam"), 2.55, 0.85, 1.0)
    _place(mast_vase("slack"), 0.85, 0.75, 0.46)
    _place(jug("rust"), 1.62, -0.55, 0.0, 0.35)
    _place(ledge_bowl("foam", 71), 3.15, -0.85)
    _place(cove_bowl("samphire"), 3.15, -0.85, 0.17)
    _place(tumbler("night", 72), 0.45, -0.45)
    _place(tumbler("foam", 73), 0.95, -1.05)
    _place(bud_vase("dawn"), -0.1, 0.4)
    branch((-0.1, 0.4, 0.5), (-0.2, 0.0, 1.0), 1.7, seed=11, leaves="#7b8158", leaf_size=0.24)
    sky("#cdd6e0", 0.30)
    window(5.0, way=(-6.0, -3.4, 4.2), left=-1.0, right=4.2, low=-2.2, high=3.4)
    light("AREA", (4.5, -5.0, 3.5), (1.2, 0, 0.8), 90, 4.0, "#eaf0f7")
    shoot(
        "hero",
        folder,
        size=(1600, 1000),
        at=(0.3, -13.2, 2.65),
        to=(0.2, 0, 1.38),
        lens=58,
        blur=8.0,
        exposure=0.2,
        widths=(800, 1600),
        quality=80,
    )


def spring(folder: Path) -> None:
    """The spring table: blossom in the jug, fresh greens, a bright morning."""
    empty()
    backdrop("#d5dcbc", 0.05)
    plaster = plain("#e6e8d6", 0.92, 0.05, 2.0)
    block(2.35, 0.75, 0, 1.8, 1.5, 0.5, plaster, -0.06)
    _place(jug("foam", 81), 2.3, 0.7, 0.5, 2.6)
    for seed, heading in (
        (21, (-0.62, -0.1, 1.0)),
        (22, (0.02, 0.1, 1.0)),
        (24, (0.60, -0.2, 0.9)),
        (28, (-0.2, -0.3, 1.0)),
    ):
        branch(
            (2.3, 0.7, 1.6),
            heading,
            2.15,
            seed=seed,
            leaves=None,
            blossom="#f7e4e3",
            bark="#5a4334",
            every=1,
        )
    _place(limpet_bowl("samphire"), 0.85, 0.35)
    _place(cove_bowl("dawn"), 1.75, -1.05)
    _place(harbour_mug("kelp"), 0.35, -1.25, 0.0, 2.7)
    _place(tumbler("samphire", 83), 3.35, -0.95)
    _place(bud_vase("foam"), -0.35, 0.25)
    branch(
        (-0.35, 0.25, 0.5),
        (-0.25, 0, 1.0),
        1.5,
        seed=27,
        leaves="#8da05c",
        blossom="#f3cfd2",
        leaf_size=0.18,
        every=2,
    )
    sky("#eef2f4", 0.75)
    window(4.2, way=(-5.0, -5.2, 5.2), left=-6.5, right=4.4, low=-3.2, high=4.6)
    shoot(
        "spring",
        folder,
        size=(1600, 1000),
        at=(0.25, -13.2, 2.85),
        to=(0.15, 0, 1.62),
        lens=57,
        blur=8.0,
        exposure=0.25,
        widths=(800, 1600),
        quality=80,
    )


def shelf(folder: Path) -> None:
    """Biscuit ware and finished pots waiting on the studio's boards."""
    empty()
    backdrop("#d9d0c2", 0.06)
    board, bracket = wood("#94704c"), plain("#d2c7b8", 0.9, 0.04)
    dice = random.Random(12)
    makers: list[Callable[[str, int], list[Any]]] = [
        lambda c, s: moon_jar(c, s), lambda c, s: mast_vase(c, s), lambda c, s: jug(c, s),
        lambda c, s: harbour_mug(c, s), lambda c, s: tumbler(c, s), lambda c, s: bud_vase(c, s),
    ]  # fmt: skip
    rows = [
        (0.35, [3, 3, 3, 3, 3], "biscuit"),
        (2.0, [2, 1, 5, 0, 5], "foam"),
        (4.75, [4, 4, 4, 3, 4, 4], "biscuit"),
    ]
    for z, kinds, colour in rows:
        block(0, 1.6, z - 0.14, 8.6, 1.5, 0.12, board)
        for x in (-2.9, 2.9):
            block(x, 2.0, z - 0.5, 0.12, 0.8, 0.36, bracket)
        span = 6.4
        for i, kind in enumerate(kinds):
            x = -span / 2 + span * i / (len(kinds) - 1) + dice.uniform(-0.12, 0.12)
            glazed = (
                colour
                if colour == "biscuit"
                else dice.choice(["foam", "slack", "samphire", "night"])
            )
            _place(
                makers[kind](glazed, 100 + i),
                x,
                1.45 + dice.uniform(-0.1, 0.15),
                z - 0.02,
                dice.uniform(-0.6, 0.6),
            )
    sky("#dfe6ec", 0.5)
    window(3.8, way=(-5.0, -5.6, 4.4), left=-4.6, right=4.2, low=-3.4, high=6.2)
    shoot(
        "shelf",
        folder,
        size=(960, 1200),
        at=(0.0, -12.0, 3.0),
        to=(0.0, 1.5, 2.85),
        lens=66,
        blur=8.0,
        exposure=0.1,
        widths=(480, 960),
    )


def detail(folder: Path) -> None:
    """The foot of a bowl, close."""
    empty()
    backdrop("#c9b7a2", 0.06)
    _place(limpet_bowl("slack"), 0.35, 0.2)
    _place(tumbler("foam", 91), -1.25, -0.75)
    sky("#f0ebe2", 0.35)
    light("AREA", (-3.6, -2.0, 2.6), (0, 0, 0.4), 300, 1.6, "#ffeeda")
    light("AREA", (3.8, -2.6, 1.8), (0, 0, 0.4), 30, 3.0, "#e4ecf5")
    shoot(
        "detail",
        folder,
        size=(1200, 900),
        at=(-0.6, -5.2, 1.5),
        to=(-0.25, 0, 0.45),
        lens=70,
        blur=2.8,
        widths=(600, 1200),
    )


def _product(
    name: str,
    colour: str,
    build: Callable[[], None],
    wide: float,
    middle: float,
    pitch: float = 14.0,
) -> Callable[[Path], None]:
    return lambda folder: portrait(
        name, folder, colour, build, wide=wide, middle=middle, pitch=pitch
    )


PICTURES: dict[str, Callable[[Path], None]] = {
    "hero": hero,
    "spring": spring,
    "shelf": shelf,
    "detail": detail,
    "cove-bowl": _product("cove-bowl", CHALK, lambda: _place(cove_bowl()), 3.0, 0.35, 24),
    "shoal-plate": _product("shoal-plate", SLATE, _platter_set, 4.6, 0.15, 26),
    "ledge-bowl": _product("ledge-bowl", SAND, lambda: _place(ledge_bowl()), 4.0, 0.22, 30),
    "pinch-bowls": _product("pinch-bowls", DUSK, _pinch, 2.8, 0.14, 28),
    "limpet-bowl": _product("limpet-bowl", CHALK, lambda: _place(limpet_bowl()), 4.4, 0.45, 20),
    "harbour-mug": _product(
        "harbour-mug", CLAY_PINK, lambda: _place(harbour_mug(), -0.12, 0, 0, -0.35), 2.7, 0.45, 13
    ),
    "gull-tumblers": _product("gull-tumblers", SAGE, _tumblers, 2.6, 0.38, 16),
    "lantern-teapot": _product(
        "lantern-teapot", SAND, lambda: _place(teapot(), 0.1, 0, 0, 0.2), 4.0, 0.80, 12
    ),
    "bell-jug": _product(
        "bell-jug", SLATE, lambda: _place(jug("foam"), -0.05, 0, 0, 0.25), 3.7, 0.80, 11
    ),
    "mast-vase": _product("mast-vase", CHALK, _mast, 4.6, 1.45, 7),
    "moon-jar": _product("moon-jar", CLAY_PINK, _moon, 4.3, 0.95, 9),
    "buoy-bud-vase": _product("buoy-bud-vase", SAGE, _bud, 3.2, 0.95, 8),
    "drift-planter": _product("drift-planter", DUSK, _planter, 3.9, 0.90, 14),
    "wick-holder": _product("wick-holder", SAND, _candles, 3.2, 0.62, 16),
}


def main(arguments: list[str]) -> None:
    """Make the named pictures, or all."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments[1:] or PICTURES:
        PICTURES[name](folder)
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
