FROM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /build
COPY . .
# --build-arg PROFILES=-Pkafka adds what events and Kafka need
ARG PROFILES=
RUN mvn -q -B -DskipTests $PROFILES package

FROM eclipse-temurin:17-jre-alpine
RUN adduser -S -D -H herald
WORKDIR /herald
COPY --from=build /build/target/lib target/lib
COPY --from=build /build/target/herald.jar target/herald.jar
COPY application.properties openapi.yaml ./
COPY routes routes
COPY sql sql
COPY examples examples
USER herald
ENV JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError" LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD wget -q -O /dev/null http://127.0.0.1:8080/ready
# A signal must reach Java itself, so that deliveries in flight finish and are recorded.
ENTRYPOINT ["java", "-jar", "target/herald.jar"]
