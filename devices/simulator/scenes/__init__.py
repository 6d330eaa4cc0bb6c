"""Rendered camera scenes with ground truth: what analytics are judged by where no real clip may be shown."""

from devices.simulator.scenes.scene import Happening as Happening
from devices.simulator.scenes.scene import Scene as Scene
from devices.simulator.scenes.scene import Truth as Truth
