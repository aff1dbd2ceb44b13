-- Exchanges tokens for their successors: each answer carries the token of a later
-- request. BENCH_REQUESTS names a Lua file that returns a list of requests whose bodies
-- carry the first tokens; BENCH_TOKEN is the pattern of a token, in body and answer.

local wanted = dofile(os.getenv("BENCH_REQUESTS"))
local pattern = os.getenv("BENCH_TOKEN")
local first, last, waiting, turn = 1, 0, {}, 0
local before, after

local function push(token)
  last = last + 1
  waiting[last] = token
end

function init()
  for _, one in ipairs(wanted) do
    push(one.body:match(pattern))
  end
  local from, to = wanted[1].body:find(waiting[1], 1, true)
  before, after = wanted[1].body:sub(1, from - 1), wanted[1].body:sub(to + 1)
end

function request()
  turn = turn % #wanted + 1
  local one, token = wanted[turn], waiting[first]
  waiting[first] = nil
  first = first + 1
  return wrk.format(one.method, one.path, one.headers, before .. token .. after)
end

function response(status, headers, body)
  local token = body:match(pattern)
  if token == nil then
    error("no token in answer " .. status .. ": " .. body)
  end
  push(token)
end

dofile(os.getenv("BENCH_REPORT"))
