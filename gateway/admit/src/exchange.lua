-- The store's side of one account: `Book` of book.rs, in Lua; a test of fairlead-admit holds the two together.
--
-- KEYS: the account, the sums of its counter; one hash tag. ARGV: see exchange/text.rs. Only the first four: read, and change nothing but that
-- an account is opened whose window has not been asked for yet, so that the next read need not go through all sums.
-- The account is a hash: run, ready, at, shift, used, folded, generation, limit; `i:NAME` for each incarnation, `b:NUMBER` for each bucket of a
-- rate. The sums are a hash: `q:MOMENT` spent, `open` the windows that have not ended, `w:START-END` what one has not been told of yet, `day`.
-- Amounts are whole and under 2^53. `text` alone writes them: tostring and `..` round to 14 digits.

local TTL = 3000
local KNOWN = 900000
local QUARTER = 900000
local DAY = 86400000
local FINE = 35 * DAY
local COARSE = 400 * DAY
local RETRY = 1000

local account, sums = KEYS[1], KEYS[2]
local shape = ARGV[1]
local per = tonumber(ARGV[2])
local starts, ends = tonumber(ARGV[3]), tonumber(ARGV[4])
local windowed = shape == 'budget' and ends > starts
local width = math.max(1, math.ceil(per / 60))

local known_for = shape == 'rate' and KNOWN + per or KNOWN
local lost_for = shape == 'budget' and math.huge or shape == 'rate' and TTL + per + 2 * width or 0

local function text(number)
  return string.format('%.0f', number)
end

-- Fields of a hash as a table.
local function all(key)
  local flat = redis.call('HGETALL', key)
  local map = {}
  for i = 1, #flat, 2 do
    map[flat[i]] = flat[i + 1]
  end
  return map
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local book = all(account)
local fresh = book.used == nil
local at = math.max(tonumber(book.at or '0'), now + tonumber(book.shift or '0'))
local used = tonumber(book.used or '0')
local folded = tonumber(book.folded or '0')
local limit = tonumber(book.limit or '0')

-- Each incarnation: what it last said, and for a rate the text of its buckets as it came.
local entries, buckets = {}, {}
for field, value in pairs(book) do
  local kind, name = string.sub(field, 1, 2), string.sub(field, 3)
  if kind == 'i:' then
    local seq, spent, held, pace, heard, outcome, amount, aged =
      string.match(value, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%a+) (%d+) (.*)$')
    entries[name] = {
      seq = tonumber(seq), spent = tonumber(spent), held = tonumber(held), pace = tonumber(pace),
      heard = tonumber(heard), outcome = outcome, amount = tonumber(amount), aged = aged,
    }
  elseif kind == 'b:' then
    buckets[tonumber(name)] = tonumber(value)
  end
end

-- When a bucket counts no more.
local function leaves(bucket)
  return (bucket + 1) * width + per
end

local function spent_now()
  if shape ~= 'rate' then
    return used
  end
  local sum = 0
  for bucket, spent in pairs(buckets) do
    if leaves(bucket) > at then
      sum = sum + spent
    end
  end
  return sum
end

local function parts(asker)
  local lost, leased, elsewhere, pace, replicas = folded, 0, 0, 0, asker and 1 or 0
  for name, entry in pairs(entries) do
    local silent = at - entry.heard
    if silent >= TTL then
      if silent < lost_for then
        lost = lost + entry.held
      end
    else
      leased = leased + entry.held
      pace = pace + entry.pace
      if name ~= asker then
        elsewhere = elsewhere + entry.held
        if entry.held > 0 or entry.pace > 0 then
          replicas = replicas + 1
        end
      end
    end
  end
  return lost, leased, elsewhere, pace, math.max(replicas, 1)
end

-- What fell into a window, whatever its name was.
local function within(map)
  local sum = 0
  for field, value in pairs(map) do
    local begins = string.sub(field, 1, 2) == 'q:' and tonumber(string.sub(field, 3))
    if begins and begins >= starts and begins < ends then
      sum = sum + tonumber(value)
    end
  end
  return sum
end

-- A window that has no account yet begins with what fell into it; from now on `w:` keeps what is charged to another.
local this = ARGV[3] .. '-' .. ARGV[4]

local function open(map)
  local live = { this }
  for window in string.gmatch(map.open or '', '%S+') do
    if window ~= this and tonumber(string.match(window, '%-(%d+)$')) > now then
      live[#live + 1] = window
    elseif window ~= this then
      redis.call('HDEL', sums, 'w:' .. window)
    end
  end
  redis.call('HDEL', sums, 'w:' .. this)
  redis.call('HSET', sums, 'open', table.concat(live, ' '))
  redis.call('PEXPIRE', sums, text(COARSE))
end

-- For how long the account is of use.
local function left()
  local longer = math.max(FINE, ends - starts)
  return windowed and math.max(ends - now, 0) + longer or known_for + 60000
end

if #ARGV == 4 then
  if fresh and windowed then
    local map = all(sums)
    used = within(map)
    -- Of a counter that nobody has used there is nothing to remember. A store that takes no writes just now can still be read.
    if next(map) then
      local kept = redis.pcall('HSET', account, 'used', text(used), 'at', text(at), 'shift', '0')
      if type(kept) == 'number' then
        redis.call('PEXPIRE', account, text(left()))
        open(map)
      end
    end
  elseif windowed then
    used = used + tonumber(redis.call('HGET', sums, 'w:' .. ARGV[3] .. '-' .. ARGV[4]) or '0')
  end
  local lost, leased = parts(nil)
  return { text(spent_now()), text(lost), text(leased) }
end

local name, run = ARGV[5], ARGV[6]
local seq, known, spent, aged = tonumber(ARGV[7]), ARGV[8] == '1', tonumber(ARGV[9]), ARGV[10]
local held, need, want, pace = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local generation, said, strict, met = tonumber(ARGV[15]), tonumber(ARGV[16]), ARGV[17] == '1', tonumber(ARGV[18])
want = math.max(want, need)

local here = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')

local function unapplied(outcome)
  return { outcome, '0', '0', '0', '0', '0', '0', '0', here }
end

local function reply(outcome, amount)
  local lost, leased, elsewhere, all_pace, replicas = parts(name)
  local sum = spent_now()
  local tail = limit - sum - lost - leased < 2 * all_pace
  return {
    outcome, text(amount), text(sum), text(lost), text(elsewhere), text(limit), tail and '1' or '0', text(replicas), here,
  }
end

-- What was charged to another since though it fell into this one.
local function late()
  local value = redis.call('HGET', sums, 'w:' .. this)
  if not value then
    return 0
  end
  redis.call('HDEL', sums, 'w:' .. this)
  return tonumber(value)
end

-- Quarters into days, once a day.
local function fold_sums()
  for field, value in pairs(all(sums)) do
    local begins = string.sub(field, 1, 2) == 'q:' and tonumber(string.sub(field, 3))
    if begins and begins < now - FINE then
      local day = begins - begins % DAY
      if begins < now - COARSE then
        redis.call('HDEL', sums, field)
      elseif day ~= begins then
        redis.call('HDEL', sums, field)
        redis.call('HINCRBY', sums, 'q:' .. text(day), value)
      end
    end
  end
end

local function charge(amount)
  if amount <= 0 then
    return
  end
  local moment = math.max(math.min(now, ends - 1), starts)
  local begins = math.max(moment - moment % QUARTER, starts)
  redis.call('HINCRBY', sums, 'q:' .. text(begins), text(amount))
  for window in string.gmatch(redis.call('HGET', sums, 'open') or '', '%S+') do
    local from, to = string.match(window, '^(%d+)%-(%d+)$')
    if window ~= this and tonumber(from) <= begins and begins < tonumber(to) then
      redis.call('HINCRBY', sums, 'w:' .. window, text(amount))
    end
  end
  local day = text(now - now % DAY)
  if redis.call('HGET', sums, 'day') ~= day then
    redis.call('HSET', sums, 'day', day)
    fold_sums()
  end
  redis.call('PEXPIRE', sums, text(COARSE))
end

-- Writes down what the buckets say beyond what they said before.
local function note_aged(before)
  local was = {}
  for bucket, _, sum in string.gmatch(before, '(%d+):(%d+):(%d+);') do
    was[bucket] = tonumber(sum)
  end
  for bucket, age, sum in string.gmatch(aged, '(%d+):(%d+):(%d+);') do
    local rise = tonumber(sum) - (was[bucket] or 0)
    if rise > 0 then
      local number = math.floor((at - tonumber(age)) / width)
      buckets[number] = (buckets[number] or 0) + rise
      redis.call('HSET', account, 'b:' .. text(number), text(buckets[number]))
    end
  end
end

local function retry(lost)
  if shape == 'slots' or (shape == 'budget' and not windowed) then
    return RETRY
  end
  if shape == 'budget' then
    return math.max(ends - now, 1)
  end
  local numbers = {}
  for number in pairs(buckets) do
    if leaves(number) > at then
      numbers[#numbers + 1] = number
    end
  end
  table.sort(numbers)
  local sum = spent_now()
  for _, number in ipairs(numbers) do
    sum = sum - buckets[number]
    if sum <= limit - lost - need then
      return math.max(leaves(number) - at, 1)
    end
  end
  return math.max(per, 1)
end

local function grant()
  if strict and book.ready ~= '1' and want > 0 then
    return 'unready', 0
  end
  local lost, leased, _, _, replicas = parts(name)
  local settled = spent_now() + lost
  local free = limit - settled - leased
  if need > 0 and need > free then
    if settled + need > limit then
      return 'exhausted', retry(lost)
    end
    return 'busy', 0
  end
  return 'granted', math.min(want, math.max(need, math.floor(math.max(free, 0) / (2 * replicas))))
end

-- Everything that changes the account goes through here.
local function keep()
  redis.call('HSET', account, 'run', here, 'ready', book.ready or '0', 'at', text(at), 'shift', text(at - now),
    'used', text(used), 'folded', text(folded), 'generation', book.generation or '0', 'limit', text(limit))
  redis.call('PEXPIRE', account, text(left()))
end

if book.run ~= here then
  book.ready = '0'
end
if run ~= '' and run ~= here then
  return unapplied('other')
end

if windowed then
  if fresh then
    local map = all(sums)
    used = within(map)
    open(map)
  end
  used = used + late()
end
for other, entry in pairs(entries) do
  if entry.heard + known_for <= at then
    if shape == 'budget' then
      folded = folded + entry.held
    end
    entries[other] = nil
    redis.call('HDEL', account, 'i:' .. other)
  end
end
for number in pairs(buckets) do
  if leaves(number) <= at then
    buckets[number] = nil
    redis.call('HDEL', account, 'b:' .. text(number))
  end
end

local entry = entries[name]
if not entry and known then
  keep()
  return unapplied('gone')
elseif entry and seq < entry.seq then
  keep()
  return unapplied('old')
elseif entry and seq == entry.seq then
  keep()
  return reply(entry.outcome, entry.amount)
end

if generation >= tonumber(book.generation or '0') then
  book.generation, limit = ARGV[15], said
end
if met >= TTL then
  book.ready = '1'
end
entry = entry or { spent = 0, aged = '' }
entries[name] = entry
local rise = 0
if shape == 'budget' then
  rise = math.max(spent - entry.spent, 0)
  used = used + rise
  if windowed then
    charge(rise)
  end
elseif shape == 'rate' then
  note_aged(entry.aged)
  entry.aged = aged
end
entry.seq, entry.spent, entry.held, entry.pace, entry.heard = seq, entry.spent + rise, held, pace, at

local outcome, amount = grant()
if outcome == 'granted' then
  entry.held = entry.held + amount
end
redis.call('HSET', account, 'i:' .. name, table.concat({
  ARGV[7], text(entry.spent), text(entry.held), ARGV[14], text(at), outcome, text(amount), entry.aged,
}, ' '))
keep()
return reply(outcome, amount)
