-- Requests that work once: each line of BENCH_TOKENS is one, a DPoP proof (or nothing), a tab, and
-- what is added to the body. Environment: BENCH_PATH, BENCH_BODY, BENCH_AUTH, BENCH_THREADS.
dofile(os.getenv("BENCH_SCRIPTS") .. "/report.lua")
function init()
  begin()
  lines, at = {}, 0
  local count, step = 0, tonumber(os.getenv("BENCH_THREADS"))
  for line in io.lines(os.getenv("BENCH_TOKENS")) do
    count = count + 1
    if count % step == number % step then table.insert(lines, line) end
  end
  path, fixed = os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
  plain = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Accept"] = "application/json",
    ["Authorization"] = os.getenv("BENCH_AUTH"),
  }
end
function request()
  at = at + 1
  local proof, more = string.match(lines[at] or "\t", "^(.-)\t(.*)$")
  local sent = plain
  if proof ~= "" then
    sent = { ["DPoP"] = proof }
    for name, value in pairs(plain) do sent[name] = value end
  end
  return wrk.format("POST", path, sent, fixed .. more)
end
function response(status, headers, text)
  if status == 200 then flows = flows + 1 else failed(status, text) end
end
