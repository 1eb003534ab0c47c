-- wrk's requests: different ones (BENCH_REQUESTS) with the headers of a browser behind a load balancer, a user each. The shape
-- comes from the environment: BENCH_METHOD, BENCH_PATH, BENCH_BODY_BYTES, BENCH_CONNECTION; BENCH_HOSTS: over so many hosts.
local method = os.getenv("BENCH_METHOD") or "GET"
local path = os.getenv("BENCH_PATH") or "/"
local bytes = tonumber(os.getenv("BENCH_BODY_BYTES") or "0")
local connection = os.getenv("BENCH_CONNECTION")
local count = tonumber(os.getenv("BENCH_REQUESTS") or "512")
local hosts = tonumber(os.getenv("BENCH_HOSTS") or "0")
local requests = {}
local at = 0

function init(args)
  local body = bytes > 0 and string.rep("x", bytes) or nil
  for i = 1, count do
    local headers = {
      ["Host"] = hosts > 0 and "svc-" .. (i % hosts) .. ".old.example" or "bench.test",
      ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
      ["Accept"] = "application/json, text/plain, */*",
      ["Accept-Encoding"] = "gzip, deflate, br",
      ["Accept-Language"] = "en-GB,en;q=0.9,de;q=0.8",
      ["Referer"] = "http://bench.test/orders?page=" .. i,
      ["Cookie"] = "session=" .. string.format("%032x", i * 7919) .. "; theme=dark",
      ["X-User-ID"] = "user-" .. (100000 + i * 37),
    }
    if connection then headers["Connection"] = connection end
    if body then headers["Content-Type"] = "application/octet-stream" end
    requests[i] = wrk.format(method, path .. "?item=" .. i, headers, body)
  end
end

function request()
  at = at % count + 1
  return requests[at]
end
