"""What is wrong with a cell, in the words of whoever filled the sheet in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway import text
from gateway.registry.columns import SHEETS
from gateway.registry.errors import RowProblem

_HEADINGS: Final = {c.key: c.zh for sheet in reversed(SHEETS) for c in sheet.columns}
_LEVELS: Final = text.group("zh-CN", "level")


def expected(problem: RowProblem) -> dict[str, str]:
    """What would be right, by language; what has no Chinese yet is said in English, which is better than nothing."""
    return {"zh-CN": _said(problem.expected, _EXPECTED), "en": problem.expected}


def found(problem: RowProblem) -> dict[str, str]:
    """What stands there, by language."""
    return {"zh-CN": _said(problem.found, _FOUND), "en": problem.found}


_Table = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]


def _said(english: str, table: _Table) -> str:
    for pattern, chinese in table:
        match = re.fullmatch(pattern, english)
        if match is not None:
            return chinese(match) if callable(chinese) else match.expand(chinese)
    return english


def _level(word: str) -> str:
    return _LEVELS.get(word, word)


def _one_of(match: re.Match[str]) -> str:
    words = [_level(w.strip()) for w in match[1].split(",")]
    return f"以下之一：{'、'.join('等' if w == '...' else w for w in words)}"


def _missing(match: re.Match[str]) -> str:
    return f"填写“{_HEADINGS.get(match[1], match[1])}”（{_said(match[2], _EXPECTED)}）"


_EXPECTED: Final[_Table] = (
    (r"an id of 1 to 128 characters, no space at its ends", "编号，1 到 128 个字符，首尾没有空格"),
    (r"a device id: .*", "设备编号，写成“数据来源:设备自报的名称”"),
    (r"a text of at most (\d+) characters on one line", r"一行文字，最多 \1 个字符"),
    (r"an? (?:name|address) of 1 to (\d+) characters on one line", r"一行文字，1 到 \1 个字符"),
    (r"a name of 1 to (\d+) small letters, .*", r"名称，1 到 \1 个小写字母、数字、- 或 _"),
    (r"each name once", "每个名称只出现一次"),
    (r"each word once", "每一项只出现一次"),
    (r"(\d+) to (\d+) points", r"\1 到 \2 个点"),
    (r"a point \[x, y\], each from 0 to 1", "一个点 [x, y]，各在 0 到 1 之间"),
    (r"at most 24 hours from now", "从现在起最多 24 小时"),
    (r"a day as (\S+)", r"日期，写成 \1"),
    (r"a day of the calendar", "日历上有的日期"),
    (r"a whole number(?: from (\d+) to (\d+))?", lambda m: f"整数，{m[1]} 到 {m[2]}" if m[1] else "整数"),
    (r"a number(?: from (-?[\d.]+) to (-?[\d.]+))?", lambda m: f"数字，{m[1]} 到 {m[2]}" if m[1] else "数字"),
    (r"true or false", "是或否"),
    (r"the key (\w+) \((.*)\)", _missing),
    (r"one of (.*)", _one_of),
    (r"each id once", "每个编号只出现一次"),
    (r"each column once", "每一列只出现一次"),
    (r"the id of a grid", "已有的网格编号"),
    (r"the id of a place or grid", "已有的位置或网格编号"),
    (r"the id of a place", "已有的位置编号"),
    (r"the id of a place above a (\w+)", lambda m: f"上级位置的编号（比{_level(m[1])}高一级或几级）"),
    (r"the id of a device not in the catalogue", "尚未登记的设备编号"),
    (r"a parent of a higher level \((.*)\)", lambda m: f"级别更高的上级（{_said(m[1], _EXPECTED)}）"),
    (r"a parent above it, at most (\d+) deep", r"在它之上的上级，最多 \1 层，不能绕成圈"),
    (r"a level above (\w+), .*", lambda m: f"比{_level(m[1])}更高的级别，因为下面已有{_level(m[1])}"),
    (r"nothing: a site stands at the top", "留空：小区在最上面一级"),
    (r"an id that is no place's", "没有被位置用过的编号"),
    (r"an id whose person was not forgotten", "没有被注销过的人员编号"),
    (r"the site, as there is not exactly one", "填写小区，因为小区不止一个"),
    (r"a kind of device \((.*), \.\.\.\)", lambda m: f"设备类型：{m[1].replace(', ', '、')}等，模板里有全部"),
    (r"a column of (\S+) \((.*)\)", lambda m: f"“{m[1]}”表中的列：{m[2].replace(', ', '、')}"),
    (r"a sheet or file named one of (.*)", lambda m: f"工作表或文件名是：{m[1].replace(', ', '、')}"),
    (r"a workbook.*", "能打开的 Excel 工作簿，或 CSV 的 zip 压缩包"),
    (r"a zip with \.csv files", "里面有 .csv 文件的 zip"),
    (r"text in UTF-8 or GB 18030", "UTF-8 或 GB 18030 编码的文字"),
    (r"lines of comma-separated values", "逗号分隔的各行"),
    (r"at most (\d+) MiB unpacked", r"解压后不超过 \1 MiB"),
    (r"at most (\d+) rules", r"最多 \1 条规则"),
    (r"a pattern has 1 to (\d+) characters", r"1 到 \1 个字符"),
    (r"a pattern has 1 to (\d+) gaps.*", r"有 1 到 \1 处变化的部分，例如 {room}"),
    (r"a gap is written .*", "变化的部分写成 {名} 或 {名:2}，名用小写字母、数字和下划线"),
    (r"(\{\w+\}) stands twice in the pattern", r"\1 在名称里只出现一次"),
    (r"something must stand between (\{\w+\}) and (\{\w+\}), .*", r"\1 与 \2 之间要有别的字符，或写明位数"),
    (r"the place names (\{\w+\}), .*", r"位置编号里的 \1 在名称里没有"),
)

_FOUND: Final[_Table] = (
    (r"nothing|none", "空"),
    (r"no such key", "没有填写"),
    (r"a word twice", "有重复的项"),
    (r"a later time", "更晚的时间"),
    (r"a list of (\d+)", r"共 \1 个"),
    (r"a ring or more", "绕成了圈，或层数太多"),
    (r"(.*) again \(first in row (\d+)\)", r"又出现 \1"),
    (r"the unknown key (.*)", r"不认识的列 \1"),
    (r"(.*), a (\w+)", lambda m: f"{m[1]}（{_level(m[2])}）"),
)
