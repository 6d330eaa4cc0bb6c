"""The roles people hold on a place or grid, in the words of the glossary; call chains name them."""

from __future__ import annotations

from typing import Final

ROLES: Final = (
    "household",  # 住户: the people in the flat, called first
    "duty_operator",  # 消防控制室值班员 of the property manager
    "micro_station",  # 微型消防站队员
    "micro_station_lead",  # 微型消防站站长
    "building_lead",  # 楼栋长
    "household_lead",  # 中心户
    "grid_staff",  # 网格员
    "grid_lead",  # 网格长
    "property_manager",  # 物业服务企业
    "fire_safety_manager",  # 消防安全管理人
    "fire_safety_responsible",  # 消防安全责任人
    "contractor",  # 维保单位
    "volunteer",  # 志愿者
    "monitoring_centre",  # 监控中心
)
"""Who may be called. A place's role is held by whoever holds it there or on any place or grid above it."""

SIGN_IN_ROLES: Final = ("admin", "operator", "grid_staff", "viewer")
"""Roles of a signed-in user, a key or a duty screen: what one may see and do, on a place subtree."""
