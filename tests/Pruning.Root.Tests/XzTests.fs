/// xz streams that liblzma wrote, against our decoder.
module Pruning.Tests.Data.XzTests

open System
open Expecto
open Pruning.Root.Compression.Xz
open Pruning.Root.Errors

let private noise =
    Array.init 300 id
    |> Array.scan (fun (state: int64) _ -> (state * 1103515245L + 12345L) &&& 0x7fffffffL) 1L
    |> Array.tail
    |> Array.map (fun state -> byte (state >>> 16))

let private long = Array.init 2200000 (fun i -> byte ((i >>> 10) * 7 + (i &&& 3)))
let private mix = Array.init 900 (fun i -> byte (((i * i >>> 5) &&& 15) ||| ((i % 7) <<< 4)))

// What it is, what it holds, the stream.
let private streams =
    [
        "bytes that cannot be compressed (stored chunks)",
        noise,
        "/Td6WFoAAAFpIt42AgAhARYAAAB0L+WjAQErxn6Ba0v74vtU9r3ffBzhhwG/Md5Wcg9HZ2aHWaqIPFnqVhN70oWh2DxUVS83rmVb2gJ5mMzjGnaOX9mZjx8/"
        + "Nu5DeE0N+r6m2uSGjtwpbU7/VuFwIPuPsVgFkMUJ3FPNqjtImVLTUp0Gn+q1wgYTmEmyAR6sMogxnFJGlXE2j1f2OR0W+oh09Zh8F1xBu21xjg9wWccBGy8z"
        + "PZHAHaUNDaszjX5ejz7maHSmOrHDkxGoZMfbyuBg4fO/CQBnouMloCExh9VixahPfi4Ja5SfsG2pnloLRnCAts9HDKalKtis+6Drt3kkciOSSIDFpqeFt9eM"
        + "kOSrY0RSZuOcMyX5Xqq6c2BdS3F+vqmMVxlxw8pe5SozrIhRZqF7dWdkmmnvb1ZCoB1RxQL3u5JFAHyZI7sAAcACrAIAANrrRKw+MA2LAgAAAAABWVo="

        "two chunks that share one dictionary",
        long,
        "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj//9yD/1dAAAAUlAo2E2FGwxjzfmqiYdP/iv8WujZrfuk0EipW/cmO3B2utg16NfNvUYT81J2Uv0XrXN4eMJbbvZJ"
        + "Ht9CWd1Tf9raGY0+Q9SG55ak49zUyM6iSG9qsgpSSRTxKn+U1+6mYQrHayZYmKD56uZs3/X+PhuRyeCA7CCogXLUFXEm9X83eN/fysZwfNMOBjelLKe+xkwV"
        + "Y5aNSlpjZmqFZSxS1s5zoqiD8al0/8xl9aTah0QcylHAo+qiM5WRJsmJ6r4OrUWUj3emDs9c1o6xoRYW48k9SiwhBoMJZt6S6JFWMjTb+GEhmTNyVON3k70j"
        + "aLtrrTXBjVspMqvmZTHKO2s97aXq9Z1ZHP1VtVAfuUCY0FfPmKwWNf1skuqzq5b4yyPjR7oXwcFsv8W1/cSXaizM1Z7iRbYx3mXrB52fsmP8vNbkIYVYwNWB"
        + "CvySQ/RXcldUC5k2ztk2N7sdShC/XYaQ4hCUV3ygJA2+y7Ux2Iw7Sbru1UWfyomY6b1oEOEy5wg2MGIR0i2EM+DVwnesJqG21tY8G17UIILXNv8meZSVaDJ+"
        + "BILCFP6OEJsstTKcDNKsGDmCVC51RB84od30JXa2M1xtqNux4rqQzfHv98FPWMyBTfUnTsm3SgMgXDMau+OebU53pErg8jnhYlS8v7IQpn+QkMwiOLtbvuw/"
        + "ZjKYAge/oUD/ODjxI1CSiNuaI0ZNmFNf9iIEwA67BeAEHgGsSXTmF/sGxQ/267tDobsuJ9QhHUATkaQBWNnIajkwZDEljEPfBBjj6dneE7usys/COj7F5T9a"
        + "KT9ksKkaL0gF+sPqNQwpFQhuiZUzAzKLvaXiecwAQNPVkzVSR7SzHw5S5gFAtW3pO8oxPHqAr+FsbkKwlwcm1dReG2GlQAYEDJGG1Ijjx01QMYYj1b38Wp8g"
        + "1QP4J0ZINnqVfd59kjo/Hwjila+uho5+0oyWUPyWx6dTSVlFRjUZuZVZZt0kxthCEHNSaWHD8caHt9g47KyVaDTsiXiAKyKJvzz6iGfVm0WGNgq1qtW9wsm0"
        + "IpMUAkX3R7qL+HedSrE8kYeGNRsotbt1iNLSvNknIapW3GYhBsyT+5EeSWMccsdFH9k7k60jtt/FNoWbk4e4rLg1DioRZyax/8aNzV3rY+kbr/ZVSXmY7IL6"
        + "O2TC2M+/qN3cI+urPaaZ/pSPhGus6u3HVE1fN0yZipTLfXu1W2gDSs9IQKRTrQp4Q0nnxssuNR1OM0BGNFkuugO3dvcyqErVWGYALePcWyK7IPXdPPXAj0NT"
        + "twAEAUNCKA7TcT7tJxdAQbkPt3Va5hBFZIptS2mezMhgvdZi0U+ZQUJzZONrbGjFUgxTCbVvB9W0DmzaLmKftju5KYLevkUe2uBgJ/tsN9fvUHfGY+Jxjs+1"
        + "ZjTDDc8ahiGQ55578+Hl4ySV+ksSNcq/NprNPwXrERsnpYAx3LdFdBg6GP86vNpxRp6d/SvqrHFROswH+3/UEoJSGFp41QrOVRnX6E9CUMApURkzdNW+Kbyi"
        + "ZtgWK/TRpWneIYIF9xvRZani9VfEaw0rIcKoxit/6guwQwYgSx7+i6ieFNS44kwTZwVcoVaect/DshGwHuLNDjPn5mCYgzMOvMBcHvjIJB99mRbEvP6dEhlQ"
        + "u5SAP20B6aA4lyeEw6FqHnBcA4kaut9hP5rCCA1LSBSkjsnLm6oBEkAkQwgE234c+Si/dxpSBaAH1Z4f2xop378dEmt/LkKno800wXgGOVM9UOeYaUJu2oZy"
        + "/8JMynULJAexul3RujDY2VFfgwhMIXOTRyi2phRQKel4rr332bt0B4Xxvw65gCeidyhNzdf+1l+xNdt7fw2AG7/muADcUUBWmWGf9iZAWNyCgTuittsujpo8"
        + "a4KWuwv+nJIdGBS4iP0b0rP/CJwlvaU5Paizu3cVhzZ9hogv14z07J0xgoCWJ4M5BAzRKtIQKoQD2UtCfnX8vN1XLRj7sO7n+jOSMgtAgXhlPdWREseFIBw0"
        + "wiLPvAxj64Ne9iYW9apKrdFrKnn7O1kVFeRXgLOYIv3V2740JeiRwcvRZWOlFnmumgPjqvXVq5b5ZTO1d0bMLl986I4WgsvEAUtniZYKaoCTaTwNGqeKu3Jw"
        + "TyvtVUO65D0DwhM8FGpuO9sa5kqe+xBqkGhnHynSUmNRw+ZCnEDUUOXMTg9uwRF07BBGBti22T+QOMMOLJszvR9cLmVfLxkt+RIBqNiMykYGPdZ+qdqtcfoO"
        + "9EAi2IM/eiT1hx1PU5s+Cji29fSbpHvXR1NQDTzrjuomuyz7YucKujvY+nzXwNDxKWBTcfhM4HzONwvgItPybOAaMUj1rPPJhQh2NefBRdi07mlnHJ7uU1v1"
        + "SuJ0UuNvJ07fvyzj84v7jwUqkWXPhiz6ZXP3XAGCwoqn3GF//rUZvwfL5HL2EnnfbqOrFdSDlAlqpCpA4UD6PEu3pKHqJXJK2ismSz327UWnNdChwQemPjy8"
        + "YhCf4h0d0VuLDSmhbgOhfdEP0I+jQ/T5Ms0rU4gtXzUjdIXAM9SiGWkmX3kLCRzOf22uNbGRwVxt5CAC+bVtCd1fO34TqBL1PL5uHxeYj9ln96bFm3WZGzez"
        + "Io3xW52HyWSedA56gH0GGpAn+mObOhemQgGTa+q1Xil0VZTygTPMyj/nqp3S91GBqtymw1rh7kM76u3DiXXSLbXH2turgtZ2qaazwTlqDectAZtutvbCxR1J"
        + "WttwLwDba/C0k5S+y5abS+iMBLSOcBx1og0DcKw1pQdn7viCNnl9LfM0l6uzByjW5+vUddDNOC68W96u0kIBeOuMbkkFiGrsGY/IU9+aljH67HDHChxGF5d6"
        + "JAdYADVPzzK2KDxziabU0XRwYRCrjCZxWLOEW+bzzUDJyVNo+SKuPjz3AxvX1e2ZMch7ziCPuwRkw1UR0OeXEWKQSF19W1CzQ4fDJWp1yG3rZkEb0WpLjbIQ"
        + "bcsjc4lbI+E6LxRStatdDNQgvG9vsuW1R3me1we+w9SRlwgMB8TcNXndGMj4HIvD+Bebk7GV8e3qo66qRWSz9G1al+ryJM54LlgSg5r6+hnd2p+tO8Cj0HeN"
        + "lUaqdJQsIvhNfbIg24UNgcjJ2U752Y9UxxbWyar5P1WaylpeuW85uLozvU7UuCA1fSnQTnm6emII9gVHs5LKkbZdgZ6CQ9DNR2d2DB0DTrq1gB4RE4MCnn3f"
        + "Uiy2EP7k7DjS5BlF3g9nrxXC7Vajbj36wpxHFUbK1GaQnS8FkBo/2HiLrGEMHLSFPHORaeXs7oSgDIWVg2O1i80DNBs3wiuprjzkbCcGOsDrEXP+rdcTe/f2"
        + "IPgeXNcxlaQDAiVq44BBo6dhZYzlEmZ+swFrxOZxX21qiTIski2fB0fJGdFFWc8drY8lTUNqPUceTGTntwpw0znRunQHdsYYFbonJe49iBdYsSPc33Wnzsep"
        + "oUVpG63my514hq2JJpcfbQvJHou4Ye7NMWdZkobw3txL8LGl2ZDBaE/ftGu6l6D8Pmsiet2zOSyPLoj2C7NAWMfMGcIqgzQE0niYtDh6TgbxDz0z7/gS6tod"
        + "fi9MJeuboKxAFSwqTZecqK8gVFmLoQTtwPG3/zw97DXxkNg8G0hW4KSonmXIBODzRgI5EcliamwAvcYx7YXwEfT8dwQdgqgLUTywxBqE2kiRFCiR4XdYPdZv"
        + "kVwpAAAZ/iie5Lbhel0BnvR+dFz8ghOgiWKiHU4eS8i9/I9y+yYIcMRUfu91dNXXWhcIoRgieMNeq66oIzzHFbFOnHp3/WYbQk9BEZrCh39b0iXChevp+jMP"
        + "pzkPjdGk+3utQM2tJx8NqHJwDv5ZFQKpR+TVfXHIUbMJtjUFIxZ2vg+CGLBoR8CqDgdabjTu30U0WkGntCljqmH+h3COegBaDVJtrt2vrXa14vB2M0NwLex1"
        + "oRjtXo30Lh6TJ9QhAEOGpLT5rn3dFxEKmKJWQPyUQOwF9poG6qXYciADn4q17+2LLdwYrma7RRmHZU0i8sm8PCHY3j5cu38zLk9STefa8XnDrb0pqk2RUiSN"
        + "8zY6ftEp8mAgrjov2XdTsl5r54NGLWi6fTP6heezcUBs1Teytjy9TSczUx0pjEr+/BUfDBZYlg0qXQkgGTixLkfu0jAwEtAmniPGOjnWMqHwF4S5/EmmaGjy"
        + "21cON4qTp8Qdt8mLUp+YDWyAplzX3+j065yzgsIs1/kKDLGi60uMV/pYeoKM3c8k2bIIXGCDA9L31t1WIu3jyqPsc6bnWEChnP/2HTYoUatRQqDb2gslvPVy"
        + "M8JnUwUSaHaJ4z+MSiex9oT6+deEQ2BVL6aiJtNYRcgGYZejJqCZY8kkJQTeLdIBASvplChzRLSF2ax4DLDh4+MmTkUXK8vi8B94yEkbD/BcZ37rKsHPfn46"
        + "z3s0N0e5S5pfRgab/Dz3DKkue1KAp4qw6yzVZb1Lp3sh4kZ9vSTBv2OPOimg65FnWKU0UiSLQ3GZLw4ELs7FgCPLLwRhcazy5ShGQADzO03/HIokc2qwlh+1"
        + "iAPvmBYc/10kySr1Uic357qAf3//IJ4p6p/eWxNVXs12jlr3Hy35z8a6OF2ePCmNNyBQZ5bRi8GBFAcklyLdj2BbAPdlvP1tkxF7KSkUEIIM9YRgzIbBhXXq"
        + "Pd+XNCyQO4dlVosI4DoiKwd7RH7WS9Zr14WWUgZfuuVJ6RRBLzl6zxMpNlHNCmJMJRHJfXdaTuAKLfbdOUoRnUa7/STV8vNhfd3ucvTBZkIcWDbsLoNvYAFl"
        + "J1ZNCjEBfQHc/4W0tJ7GSPiAvHt6fexs23T1j9KpEd7+uPJ66pqnnabHPxWDmgp/6ZvSDhKXCGnNM/p1WoFCuaqJF+TWHUQ7bSZI2qSAGoigzJNlq1xjt+y2"
        + "Hj32yFLzuN4vXkRhlVVyQ1NanyTW7QCErBiap0QbGWcIEOBa3JHZDvzSU4NaD/HtS5s4zVwpv1DGZAWunGkMguyxSmnUzevOY9uUSmASklF5oPllM7V3Rswu"
        + "X3zojhaCy8QBS2eJlgpqgJNpPA0ap4q7cnBPK+1VQ7rkPQPCEzwUam472xrmSp77EGqQaGcfKdJSY1HD5kKcQNRQ5cxOD27BEXTsEEYG2LbZP5A4ww4smzO9"
        + "H1wuZV8vGS35EgGo2IzKRgY91n6p2q1x+g70QCLYgz96JPWHHU9Tmz4KOLb19Juke9dHU1ANPOuO6ia7LPti5wq6O9j6fNfA0PEpYFNx+EzgfM43C+Ai0/Js"
        + "4BoxSPWs88mFCHY158FF2LTuaWccnu5TW/VK4nRS428nTt+/LOPzi/uPBSqRZc+GLPplc/dcAYLCiqfcYX/+tRm/B8vkcvYSed9uo6sV1IOUCWqkKkDhQPo8"
        + "S7ekoeolckraKyZLPfbtRac10KHBB6Y+PLxiEJ/iHR3RW4sNKaFuA6F90Q/Qj6ND9PkyzStTiC1fNSN0hcAz1KIZaSZfeP9Hn5uBkkwArAA9Y/Ie3EvwsaXZ"
        + "kMFoT9+0a7qXoPw+ayJ63bM5LI8uiPYLs0BYx8wZwiqDNATSeJi0OHpOBvEPPTPv+BLq2h1+L0wl65ugrEAVLCpNl5yoryBUWYuhBO3A8bf/PD3sNfGQ2Dwb"
        + "SFbgpKieZcgE4PNGAjkRyWJqbAC9xjHthfAR9Px3BB2CqAtRPLDEGoTaSJEUKJHhd1g91m+RXCkAABn+KJ7ktuF6XKwRpqoAAADOihH0AAHHIcCjhgEB/rSE"
        + "PjANiwIAAAAAAVla"

        "literal and position bits lc 0, lp 2, pb 0",
        mix,
        "/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4AODAuwSAAAEJFBrvX9YB/lhz+4L+K+GU8sh5K4oHzJG/ViwSsjctcZ7JMOC5yuXKKwArmh2t2qKrTJVrYyUbutu"
        + "WajRzZn8JIWHuaW69PZlHyOhWvE+I6aPLUUQeyKRsD5FzR1Qc/QXSLq29PGIi6yeKz469nYFOECJHGPmxogegbMLKPfC6CuYXzoc6PW+JcHRZOYCaCDzNqdT"
        + "uuY6ZngU2frRrfQuzE313aHoDolmJwbxa/0cxcflFA16nfDogkcyWU/2Kr8ZQQMDoCDcyOGbNaECRQ3Njk658khF2YSPDmSd1A/RanNwbAAzm449a/BsONok"
        + "AjSQmuqPut8JQ4ZGZ9Hh89Mt19L22L15soer43k7klEX9Nkdfsr5darANztzIE933S1z1wrHRS2IQYkzq6CiPnAOkfdPo65AiNgupijWTsWAIFW5wV9m3MN7"
        + "ty1RR+vKDEM92G3axWtnyVGfiQnicFMvwxnu2ADDx1twFUse7nZS2Ty3nlcQlB5rJ7pi5o4JLmj+T6qD/K1hSaHvnfRqYJpUY7sYCVC5z+ZswS/h2jdwvG2a"
        + "zxShcX37N2AomS6Hqs184AJqhug3U4fzWsLyeYSJfDjT8yOfgUB7ts7Kim83JBmYM9UUDv9HSpeGcVE/IDbZJ37euJ8cZh2YQpoS23iG6E8+M1+nnabWQgMY"
        + "LTHONtxoaTugqFDigV4G6PbLBVbOGXbDG2hSI0YX3aJ573tcVj1Gn30AFTgUINpUg7UAicjMYV0PqIyFtxlOifiNhCiF6ea5mWsyfcYG4qPgKL1rzafcKAg/"
        + "k3KrpqZS9HwL0J41nBLbklbh+u/I2g1ghqbTy2ohO3Zkk3xUilv/EHFwZVirbS864NikLqacc8+mGS/cMf/zK3J1TZoR8X/sIUEcRLSi41WeJeJdj8YbiZZ+"
        + "nOM1CtD0Q5NGrEqX34kRFtlfPKQIwRQT9ckXN21tpv4RHINecj0IzeaRT/Sk6ft4dpXAYymuWAhUuNIAvi38kwABhAaEBwAAWkBArj4wDYsCAAAAAAFZWg=="

        "lc 1, lp 3, pb 4 and no checksum",
        mix,
        "/Td6WFoAAAD/EtlBAgAhARwAAAAQz1jM4AODAxHQAAAEA/Lx9Ti8/gIh8O/1dt3qhjHtwwXG0JGSG7TQXgo9Ij8pIvVTf4vyUgy7rave4+lip5AaxR9KvV4/"
        + "YWRPGBXI3Ap2Eq1xqTKEovAQc8+GSwM8Y4d1od6JwXNUWCwZa4ewrlS1BHjTWcabdVqr1xnf6cqj0L9YMGjfc3/h/OhScOL9Zn/DAzWxzQ/wpnYY4GAAG6Ri"
        + "OlgHxOV3dEx9yAPkNr5/I131yRYvv9ndrkjraoXMa8u7RWPdD6oK3TgPhy1OSpwGE/hOejw/ZRPf3XjBjnJ6c8g/UyWBDTzsQpJxbwh9JDCVN2yRezjxu3W5"
        + "nxJEvkjAgmjA06Pv2UqKX3G4qhzAMSTDABifIwHFRgOa7Yorv0IP1PYC+AuQXKKcrogthr7rELJnL+8/W6NP2tKgZKvMnHixEFaf1jbvxYEl8XCaENzMwwF/"
        + "QjAkJKq2H456t8n3Xa9USlea/SIPkXnDDIBmIf2/o6xkH/sjRSt+fH4lIrNofe+APZIPKsh7IhioO/B6jthwgnYG+dcmznRYCAgoi5Qi8nE/j0wLzeOd09NP"
        + "Gd1FrFnufEVgFK5xxAAgz6DIGSGVJJTntNajwnRJd3bdDVgh8ofmOYSjSbpueSrqZSYIbhhPSpjh0+q63jTmzqeRcoHD4cNHYtwfCF8jRFk05jL9PNzbdvs2"
        + "qgND7zrvOUXNUpvpgZtPrpehlZx7/v8XGWiVXphCH5CdrQ5H2+KEAOp1U6kbBbIN6pwCcYaVcPdOTgjGCBwAXuJJvPyNRHJJTNIN9Z29XCnUn3wSmPQe7G4B"
        + "tiNbNOYnePd1D+Cq+bmBbwxjNKCgZBsfu4Nukze/GPBqmAZzgqRERnf9NoQ4Ym3WLQGsLAv9BXVZXpiTImxmWDa7JPHSkPr+GGzI2V7V3O13V/rIyFlUj1HW"
        + "NY2L5Oxyxh4kDZPR71yZqr78DTQlupXOLDoh7UmzzvX+H31eRPRcLT+/t6EltAL6FDBp69Xh3ZH7lKUVl98QpAZIxqa7j7aRdsk2FZWQmGTbg8i95Ur3/YVT"
        + "wI3EJGZXAAAAAAABpQaEBwAAyZawYqgACvwCAAAAAABZWg=="

        "a CRC-64, which is not verified",
        mix,
        "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AODAmFdAAAEiyQd+zvWSRnAsre/4/7YROpHtC7Ve5XhshcIBe1S8ceki6eb9OPdUmoJyMzPcrble6p23fSBEHgb"
        + "tAaFQ2we2c2+ovKsK7wfk6N4xVoUGjQ0NILZwA+kYu1Diqh3IWik8InMPwQBZeG0H1zwXV2cJ/IXB7Ztpxxm2uJGk1UaM6n9I/JIWNh1dn3NbCUyRoOnSOAz"
        + "7mx2jqDEnTOhfuEl4ff4JiWj1UJ4/BffN0ITL8G1YWty2Ss9eofDTOBkIpkTD/d+cps7LD5FZ6XpnE803Z74CF3DUPGnoTe09S5aXgmuyjdftuHBUz1P21RQ"
        + "IRAbOE4z+nkEeJPVzT6OwgPRrkfqm77AMKwIOSBKfENMkOxNg99oQ5gp+7zIjBLTDoximaT7/G6vQCi3coP3tjmzvONDrd0IsB338QBAq49bFnC0q8NvuwmK"
        + "EWeBPiCieFAbpsyiNdxVBhunp+e0OARRp1598OeqT+pUDcqfk5aqHRMb3/l5VjYGXkpIs9JIlO0BeRbzvt5rk5vOarb8gSxGuCDSfrf39KZtKWQBp/oH/3f8"
        + "4zxk5uVYeIlEkLEEKDERAk3tEg0ZxMJ+XnzRIIqOSuTUoAt+xqwXX5ZtY2w3rqzhhYX61BS/Lqd58GJFVGRNvNOnuL5xek2reons1fdKZPHREVoXvnFUuQSx"
        + "oqci0h5Zc+PD6E4VorLBCelOBhTN2p3Uhf07/Fmni3Dl/N/uVgmg6OfiChuW/IkmrNJrPYS0RcWFNdetwvDB0AqV2MNDyp3dyifQJhb/ogmgEyWgpmu0RAF0"
        + "iJzpf7nvSQAIAAAAAADZD0Yw8ZnRGQAB/QSEBwAAM0+t+LHEZ/sCAAAAAARZWg=="
    ]

let private at = RootLocation("f.root", Byte = Nullable 100L)

let private decode (stored: byte array) (size: int) =
    let output: byte array = Array.zeroCreate size
    let made = XzDecoder().Decode(stored, output, at)
    output[.. made - 1]

[<Tests>]
let tests =
    testList
        "xz"
        [
            for name, wanted, text in streams do
                test $"{name}" {
                    let found = decode (Convert.FromBase64String text) wanted.Length
                    Expect.isTrue (found = wanted) "decoded bytes"
                }

            test "a changed byte anywhere in the blocks of a checked stream is refused" {
                let _, wanted, text = streams[2]
                let stream = Convert.FromBase64String text
                let index = stream.Length - 12 - 8 // the index is not needed and not read

                for i in 0 .. index - 5 do
                    let copy = Array.copy stream
                    copy[i] <- copy[i] ^^^ 0x10uy

                    try
                        let found = decode copy wanted.Length
                        Expect.isTrue (found = wanted) $"byte {i} changed the values unnoticed"
                    with :? RootFormatException ->
                        ()
            }

            test "errors say what is damaged" {
                let _, wanted, text = streams[2]
                let stream = Convert.FromBase64String text

                let message change =
                    let copy = Array.copy stream
                    change copy

                    try
                        decode copy wanted.Length |> ignore
                        ""
                    with :? RootFormatException as e ->
                        e.Message

                Expect.equal
                    (message (fun s -> s[1] <- 0uy))
                    "Cannot read f.root, byte 100: an xz block does not begin as an xz stream. The file is damaged. Copy it again, or \
                     write it again."
                    "magic"

                Expect.equal
                    (message (fun s -> s[8] <- s[8] ^^^ 1uy))
                    "Cannot read f.root, byte 100: an xz block has a damaged xz header. The file is damaged. Copy it again, or write it \
                     again."
                    "header"

                Expect.equal
                    (message (fun s -> s[13] <- s[13] ^^^ 1uy))
                    "Cannot read f.root, byte 100: an xz block has a damaged xz block header. The file is damaged. Copy it again, or \
                     write it again."
                    "block header"

                Expect.equal
                    (message (fun s -> s[40] <- s[40] ^^^ 1uy))
                    "Cannot read f.root, byte 100: an xz block cannot be decompressed. The file is damaged. Copy it again, or write it \
                     again."
                    "data"
            }
        ]
