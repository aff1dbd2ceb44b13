-- Sends prepared requests in turn, again and again.
-- BENCH_REQUESTS names a Lua file that returns a list of {method, path, headers, body}.

local wanted = dofile(os.getenv("BENCH_REQUESTS"))
local ready, turn = {}, 0

function init()
  for i, one in ipairs(wanted) do
    ready[i] = wrk.format(one.method, one.path, one.headers, one.body)
  end
end

function request()
  turn = turn % #ready + 1
  return ready[turn]
end

dofile(os.getenv("BENCH_REPORT"))
