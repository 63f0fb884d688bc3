-- For wrk: one message per request, each to a different number.
local n = 0
request = function()
  n = n + 1
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
  wrk.headers["Content-Type"] = "application/json"
  return wrk.format("POST", "/api/v1/messages", nil,
    string.format('{"phoneNumber":"+90555%07d","content":"Your code is %06d"}', n % 10000000, n))
end
