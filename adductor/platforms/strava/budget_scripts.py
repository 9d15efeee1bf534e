"""The bookkeeping of `budget._Books` as Lua, which Redis and Valkey run as one step.

The hash: ``quarter`` (its number since 1970), ``open``, ``last`` (epoch s of the last call taken), ``known``,
``early`` (calls of the guard stretch), and for overall/quarter, overall/day, read/quarter, read/day in this order
``seen0``-``seen3`` and ``limit0``-``limit3``.
"""

from __future__ import annotations

# ARGV: now (epoch s), quarter, ..., and at the end the settings: 4 smallest limits, seconds after which a call is taken
# for lost, seconds after which a first call is, seconds for which the hash is kept, calls that new books may miss.
_OPEN_BOOKS = """
local QUARTERS_A_DAY, QUARTER_S = 96, 900
local key, now, quarter = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local settings = #ARGV - 7
local open_expires, probe_expires = tonumber(ARGV[settings + 4]), tonumber(ARGV[settings + 5])
local unbooked_calls = tonumber(ARGV[settings + 7])

local function day_of(number) return math.floor(number / QUARTERS_A_DAY) end
local function is_day(index) return index % 2 == 1 end

local names = {'quarter', 'open', 'last', 'known', 'early'}
local stored = redis.call('HMGET', key, unpack(names))
local held = {quarter = tonumber(stored[1]), open = tonumber(stored[2]) or 0, last = tonumber(stored[3]) or 0,
              known = tonumber(stored[4]) or 0, early = tonumber(stored[5]) or 0}
local seen, limit = {}, {}
for i = 0, 3 do
  local pair = redis.call('HMGET', key, 'seen' .. i, 'limit' .. i)
  seen[i] = tonumber(pair[1]) or 0
  limit[i] = tonumber(pair[2]) or tonumber(ARGV[settings + i])
end

if not held.quarter then
  held.quarter = quarter
elseif quarter > held.quarter then
  local new_day = day_of(quarter) > day_of(held.quarter)
  for i = 0, 3 do
    if is_day(i) and not new_day then seen[i] = seen[i] + held.open else seen[i] = held.open + held.early end
  end
  held.open, held.early, held.quarter = 0, 0, quarter
elseif quarter < held.quarter - 1 then
  held.quarter = quarter
elseif held.open > 0 and now - held.last > open_expires then
  for i = 0, 3 do seen[i] = seen[i] + held.open end
  held.open = 0
end

local function whole(number) return string.format('%.0f', number) end

local function close_books()
  local flat = {'quarter', whole(held.quarter), 'open', whole(held.open), 'known', whole(held.known),
                'early', whole(held.early),                'last', string.format('%.6f', held.last)}
  for i = 0, 3 do
    for _, value in ipairs({'seen' .. i, whole(seen[i]), 'limit' .. i, whole(limit[i])}) do
      flat[#flat + 1] = value
    end
  end
  redis.call('HSET', key, unpack(flat))
  redis.call('EXPIRE', key, ARGV[settings + 6])
end
"""

# ARGV 3-4: share of (quarter, day) in per cent; 5-8 and 9-12: usage and limits that the asking process has heard of in
# this quarter, -1 for none. Returns 0 granted, 1 quarter spent, 2 day spent, 3 another call is finding out.
TAKE = (
    _OPEN_BOOKS
    + """
local unbooked = held.known == 0 and unbooked_calls or 0
for i = 0, 3 do
  local used, heard_limit = tonumber(ARGV[5 + i]), tonumber(ARGV[9 + i])
  if used >= 0 then
    if held.known == 0 and heard_limit > 0 then limit[i] = heard_limit end
    seen[i] = math.max(seen[i], used + unbooked)
  end
end
if tonumber(ARGV[5]) >= 0 then held.known = 1 end

local function answer()
  if held.known == 0 and held.open > 0 and now - held.last < probe_expires then return 3 end
  local function spent(i, share) return (seen[i] + held.open + 1) * 100 > limit[i] * share end
  local quarter_share, day_share = tonumber(ARGV[3]), tonumber(ARGV[4])
  if spent(1, day_share) or spent(3, day_share) then return 2 end
  if spent(0, quarter_share) or spent(2, quarter_share) then return 1 end
  held.open = held.open + 1
  if math.floor(now / QUARTER_S) ~= quarter then held.early = held.early + 1 end
  held.last = now
  return 0
end

local reply = answer()
close_books()
return reply
"""
)

# ARGV 3: the quarter in which the call was taken; 4-7: booked here, answered, ok, exceeded (0 or 1); 8-11 and 12-15:
# usage and limits from the headers, -1 for none.
LEARN = (
    _OPEN_BOOKS
    + """
local taken = tonumber(ARGV[3])
local booked, answered, ok, exceeded = ARGV[4] == '1', ARGV[5] == '1', ARGV[6] == '1', ARGV[7] == '1'
local released = 0
if booked and held.open > 0 then released = 1 end
held.open = held.open - released
local unbooked = held.known == 0 and unbooked_calls or 0
if answered then held.known = 1 end
for i = 0, 3 do
  local used, told = tonumber(ARGV[8 + i]), tonumber(ARGV[12 + i])
  if told > 0 then
    limit[i] = told
  elseif ok and used > limit[i] then
    limit[i] = used
  end
  local same
  if is_day(i) then same = day_of(taken) == day_of(held.quarter) else same = taken == held.quarter end
  if used >= 0 and same then seen[i] = math.max(seen[i], used + unbooked) else seen[i] = seen[i] + released end
end
if exceeded and taken == held.quarter then
  for _, i in ipairs({0, 2}) do seen[i] = math.max(seen[i], limit[i]) end
end
close_books()
return 0
"""
)
