"""The bookkeeping of `budget._Books` as Lua, which Redis and Valkey run as one step.

The hash: ``id`` (of these books: others after Redis was wiped), ``quarter`` (its number since 1970), ``open``, ``last``
(epoch s of the last call taken), ``known``, ``early`` (calls of the guard stretch), ``lost_until`` (epoch s), and for
overall/quarter, overall/day, read/quarter, read/day in this order ``seen0``-``seen3``, ``lost0``-``lost3``,
``floor0``-``floor3`` (what books held that Redis has lost), ``limit0``-``limit3`` and ``told0``-``told3`` (1: the limit is
Strava's word).
"""

from __future__ import annotations

# ARGV: now (epoch s), quarter, ..., and the settings at the end.
_OPEN_BOOKS = """
local QUARTERS_A_DAY, QUARTER_S = 96, 900
local key, now, quarter = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local settings = #ARGV - 10
local open_expires, probe_expires = tonumber(ARGV[settings + 4]), tonumber(ARGV[settings + 5])
local kept_for, unbooked_calls = ARGV[settings + 6], tonumber(ARGV[settings + 7])
local under_way, guard = tonumber(ARGV[settings + 8]), tonumber(ARGV[settings + 9])
local new_id = ARGV[settings + 10]

local function day_of(number) return math.floor(number / QUARTERS_A_DAY) end
local function is_day(index) return index % 2 == 1 end

local stored = redis.call('HMGET', key, 'quarter', 'open', 'last', 'known', 'early', 'lost_until', 'id')
local held = {quarter = tonumber(stored[1]), open = tonumber(stored[2]) or 0, last = tonumber(stored[3]) or 0,
              known = tonumber(stored[4]) or 0, early = tonumber(stored[5]) or 0,
              lost_until = tonumber(stored[6]) or 0, id = stored[7] or new_id}
local seen, lost, floor, limit, told = {}, {}, {}, {}, {}
for i = 0, 3 do
  local figures = redis.call('HMGET', key, 'seen' .. i, 'lost' .. i, 'limit' .. i, 'told' .. i, 'floor' .. i)
  seen[i] = tonumber(figures[1]) or 0
  lost[i] = tonumber(figures[2]) or 0
  limit[i] = tonumber(figures[3]) or tonumber(ARGV[settings + i])
  told[i] = tonumber(figures[4]) or 0
  floor[i] = tonumber(figures[5]) or 0
end

local function used_of(i) return math.max(seen[i], floor[i]) + lost[i] + held.open end

local function lost_at_least_until(moment) held.lost_until = math.max(held.lost_until, moment) end

if not held.quarter then
  held.quarter = quarter
  for i = 0, 3 do lost[i] = unbooked_calls end
  held.lost_until = now + under_way
elseif quarter > held.quarter then
  local new_day = day_of(quarter) > day_of(held.quarter)
  for i = 0, 3 do
    if is_day(i) and not new_day then
      lost[i] = lost[i] + held.open
    else
      seen[i], floor[i], lost[i] = 0, 0, held.open + held.early
    end
  end
  if held.open + held.early > 0 then lost_at_least_until(now + under_way) end
  held.open, held.early, held.quarter = 0, 0, quarter
elseif quarter < held.quarter - 1 then
  held.quarter = quarter
elseif held.open > 0 and now - held.last > open_expires then
  for i = 0, 3 do lost[i] = lost[i] + held.open end
  lost_at_least_until(now)
  held.open = 0
end

local function whole(number) return string.format('%.0f', number) end
local function exact(number) return string.format('%.6f', number) end

local function close_books()
  local flat = {'quarter', whole(held.quarter), 'open', whole(held.open), 'known', whole(held.known),
                'early', whole(held.early), 'last', exact(held.last), 'lost_until', exact(held.lost_until),
                'id', held.id}
  for i = 0, 3 do
    for name, value in pairs({seen = seen[i], lost = lost[i], floor = floor[i], limit = limit[i], told = told[i]}) do
      flat[#flat + 1] = name .. i
      flat[#flat + 1] = whole(value)
    end
  end
  redis.call('HSET', key, unpack(flat))
  redis.call('EXPIRE', key, kept_for)
end
"""

# ARGV 3-4: share of (quarter, day) in per cent; 5-8 and 9-12: usage and limits that the asking process has heard of in
# this quarter, -1 for none; it may be old, so that a first call still goes ahead alone. 13-16 and 17-20: what books had
# told it last, and 21 their id: when they aren't these, Redis has lost them, and what they held is the least there was.
# Returns 0 granted, 1 quarter spent, 2 day spent, 3 another call is finding out; then what to bring the next time: the
# quarter, what is used of each window, its limit (-1: Strava has told none), and the id.
TAKE = (
    _OPEN_BOOKS
    + """
for i = 0, 3 do
  local used, heard_limit = tonumber(ARGV[5 + i]), tonumber(ARGV[9 + i])
  if used >= 0 then
    if told[i] == 0 and heard_limit > 0 then limit[i], told[i] = heard_limit, 1 end
    seen[i] = math.max(seen[i], used)
  end
end
if ARGV[21] ~= held.id then
  for i = 0, 3 do
    local used, told_limit = tonumber(ARGV[13 + i]), tonumber(ARGV[17 + i])
    if told[i] == 0 and told_limit > 0 then limit[i], told[i] = told_limit, 1 end
    if used > math.max(seen[i], floor[i]) then
      floor[i] = used
      lost_at_least_until(now + under_way)
    end
  end
end

local function answer()
  local function spent(i, share) return (used_of(i) + 1) * 100 > limit[i] * share end
  local quarter_share, day_share = tonumber(ARGV[3]), tonumber(ARGV[4])
  local day_spent, doubtful = false, false
  for _, i in ipairs({1, 3}) do
    if spent(i, day_share) then
      if told[i] == 1 then day_spent = true else doubtful = true end
    end
  end
  if (doubtful or held.known == 0) and held.open > 0 and now - held.last < probe_expires then return 3 end
  if day_spent then return 2 end
  if spent(0, quarter_share) or spent(2, quarter_share) then return 1 end
  held.open = held.open + 1
  if math.floor(now / QUARTER_S) ~= quarter then held.early = held.early + 1 end
  held.last = now
  return 0
end

local reply = {answer(), held.quarter}
for i = 0, 3 do reply[#reply + 1] = used_of(i) end
for i = 0, 3 do reply[#reply + 1] = told[i] == 1 and limit[i] or -1 end
reply[#reply + 1] = held.id
close_books()
return reply
"""
)

# ARGV 3-4: the quarter in which the call was taken, and when (epoch s); 5-8: booked here, answered, ok, exceeded (0 or
# 1); 9-12 and 13-16: usage and limits from the headers, -1 for none.
LEARN = (
    _OPEN_BOOKS
    + """
local taken, taken_at = tonumber(ARGV[3]), tonumber(ARGV[4])
local booked, answered, ok, exceeded = ARGV[5] == '1', ARGV[6] == '1', ARGV[7] == '1', ARGV[8] == '1'
local released = booked and held.open > 0
if released then held.open = held.open - 1 end
if answered then held.known = 1 end
local holds_the_lost = taken_at >= held.lost_until
for i = 0, 3 do
  local used, given = tonumber(ARGV[9 + i]), tonumber(ARGV[13 + i])
  if given > 0 then
    limit[i], told[i] = given, 1
  elseif ok and used > limit[i] then
    limit[i] = used
  end
  local same
  if is_day(i) then same = day_of(taken) == day_of(held.quarter) else same = taken == held.quarter end
  if used >= 0 and same then
    seen[i] = math.max(seen[i], used)
    if holds_the_lost then lost[i], floor[i] = 0, 0 end
  elseif released then
    lost[i] = lost[i] + 1
    lost_at_least_until(now + guard)
  end
end
if exceeded and taken == held.quarter then
  for _, i in ipairs({0, 2}) do seen[i] = math.max(seen[i], limit[i]) end
end
close_books()
return 0
"""
)
