-- Each thread follows its own chain of refresh tokens. One connection per thread, so that answers
-- arrive in the order of the requests. BENCH_TOKENS names a file with one first token per line.
dofile(os.getenv("BENCH_SCRIPTS") .. "/report.lua")
function init()
  begin()
  local lines = {}
  for line in io.lines(os.getenv("BENCH_TOKENS")) do table.insert(lines, line) end
  token = lines[number]
  path, fixed = os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
  sent = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Accept"] = "application/json",
  }
end
function request()
  return wrk.format("POST", path, sent, fixed .. "&grant_type=refresh_token&refresh_token=" .. token)
end
function response(status, headers, text)
  local following = status == 200 and string.match(text, '"refresh_token":%s*"([^"]+)"')
  if following then
    token, flows = following, flows + 1
  else
    failed(status, text)
  end
end
